"""How a value is marked in the panel: the tone of a pill, the initials and the colour of an avatar."""

from __future__ import annotations

from zlib import crc32

#: words that stand for a state, whichever entity they belong to → tone
_TONES = {
    "good": ("active", "sent", "succeeded", "completed", "won", "done", "running", "all"),
    "warn": ("at_risk", "high", "uncertain", "deferred", "held", "captured", "on_hold"),
    "bad": ("churned", "dead", "refused", "urgent"),
    "info": ("prospect", "in_progress", "sending", "dispatched", "ready", "queued", "waiting"),
    "lost": ("lost",),
}
_TONE = {word: tone for tone, words in _TONES.items() for word in words}
#: marks of open stages, by how far along they are
_OPEN = ("new", "qualified", "proposal", "negotiation")

#: fields whose values are states; other choices are plain words
STATES = frozenset({"status", "state", "category", "forecast_category", "priority", "last_status"})


def tone(value: str) -> str:
    """`good`, `warn`, `bad`, `info`, `lost` or, for words without a meaning of their own, `new` (grey)."""
    return _TONE.get(str(value), "new")


def stage_tone(category: str, probability: float) -> str:
    """The mark of a stage: won and lost by what it means, open stages by their chance to win (0 to 1)."""
    if category in ("won", "lost"):
        return category
    if category == "on_hold":
        return "warn"
    steps = (0.2, 0.45, 0.7)
    return _OPEN[sum(probability >= step for step in steps)]


def initials(name: str) -> str:
    """Two letters of a Latin name (Mara Lindqvist → ML), the surname of a Chinese one (陈伟 → 陈)."""
    words = [word for word in name.replace(".", " ").replace("_", " ").split() if word]
    if not words:
        return "?"
    if "\u3400" <= words[0][0] <= "\u9fff":
        return words[0][0]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def hue(name: str) -> int:
    """One of six avatar colours, the same for the same name everywhere."""
    return crc32(name.encode()) % 6
