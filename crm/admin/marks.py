"""How a value is marked in the panel: the tone of a pill, the initials and the colour of an avatar."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zlib import crc32

from crm.columns import now
from crm.formats import listed, today
from crm.i18n import LANGUAGES, gettext, script_texts
from crm.names import words

#: words that stand for a state, whichever entity they belong to → tone
_TONES = {
    "good": ("active", "sent", "succeeded", "completed", "done"),
    "warn": ("at_risk", "dormant", "high", "uncertain", "deferred", "held", "on_hold"),
    "bad": ("churned", "dead", "refused", "urgent"),
    "info": ("prospect", "in_progress", "running", "sending", "dispatched", "ready", "queued", "waiting", "captured"),
    "won": ("won",),
    "lost": ("lost",),
}
_TONE = {word: tone for tone, words in _TONES.items() for word in words}
#: marks of open stages, by how far along they are
_OPEN = ("new", "qualified", "proposal", "negotiation")
_UNDONE = ("not_started", "in_progress", "deferred")

#: fields whose values are states and wear a pill; other choices are plain words
STATES = frozenset({"status", "state", "category", "forecast_category", "priority", "last_status"})
#: fields that stand large below a record's title
KEY_FACTS = frozenset(
    {"amount", "weighted_amount", "stage_id", "expected_close_date", "probability_override", "status", "state"}
    | {"rating", "owner_id"}
    | {"annual_revenue", "priority", "due_at", "due_date", "assignee_id", "progress", "unit_price", "customer_id"}
    | {"kind", "occurred_at", "remind_at", "category", "default_probability", "run_at", "sent_at", "job_title"}
)
#: fields that hold a word of the program as text: shown in the reader's language
SAID = frozenset({"about", "action", "entity", "record_type", "from_status", "to_status", "resource"})
#: fields that point at a user
PEOPLE = frozenset(
    {"owner_id", "assignee_id", "user_id", "lead_id", "manager_id", "principal_id", "created_by", "changed_by"}
)


def tone(value: object) -> str:
    """`good`, `warn`, `bad`, `info`, `won`, `lost` or, for words without a tone of their own, `new` (grey)."""
    return _TONE.get(str(value), "new")


def stage_tone(mark: Mapping[str, Any] | None) -> str:
    """The mark of a stage from its `category` and `default_probability`: open ones by their chance to win."""
    category = str((mark or {}).get("category", "open"))
    if category in ("won", "lost"):
        return category
    if category == "on_hold":
        return "warn"
    chance = float((mark or {}).get("default_probability") or 0)
    return _OPEN[sum(chance >= step for step in (0.2, 0.45, 0.7))]


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


def slots_of(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where each column of a list stands in the three lines of a phone: `at-1` … `at-6`, or nowhere.

    Name and money above, customer and date in the middle, state and owner below.
    """
    wanted: dict[str, Callable[[Mapping[str, Any]], bool]] = {
        "at-2": lambda c: c["kind"] in ("money",),
        "at-5": lambda c: c["name"] in (*STATES, "stage_id", "cron", "action"),
        "at-6": lambda c: (
            c["name"] in {*PEOPLE, "record_id"} or c["kind"] in ("references", "boolean", "integer", "fraction")
        ),
        "at-4": lambda c: c["kind"] in ("date", "instant"),
        "at-3": lambda c: c["kind"] in ("reference", "text", "email", "choice", "phone", "long_text"),
    }
    slots = ["at-1", *[""] * (len(columns) - 1)]
    for slot, fits in wanted.items():
        found = next((i for i, c in enumerate(columns) if not slots[i] and fits(c)), None)
        if found is not None:
            slots[found] = slot
    # a task is due at a time or on a day: whichever there is stands in the same place
    by_name = {column["name"]: i for i, column in enumerate(columns)}
    if {"due_at", "due_date"} <= by_name.keys() and slots[by_name["due_at"]] == "at-4":
        slots[by_name["due_date"]] = "at-4"
    return slots


def late_of(columns: Sequence[Mapping[str, Any]], cells: Sequence[Any]) -> str:
    """The name of the column that holds a missed day: of an open deal, or of a task that is not done."""
    row = {column["name"]: cell for column, cell in zip(columns, cells, strict=True)}
    if "stage_id" in row:
        names: tuple[str, ...] = ("expected_close_date",) if row["stage_id"].tone in _OPEN else ()
    else:
        undone = "status" not in row or str(row["status"].value) in _UNDONE
        names = ("due_at", "due_date") if undone else ()
    return next((name for name in names if name in row and _is_past(row[name].value)), "")


def _is_past(value: object) -> bool:
    if isinstance(value, datetime):
        return value < now()
    return isinstance(value, date) and value < today()


#: colours of tags by name, as they are drawn on light and dark alike; others are #rrggbb already
_TAG_COLOURS = {
    "grey": "#737b88",
    "red": "#d04545",
    "orange": "#d97500",
    "amber": "#c99700",
    "green": "#3d9a63",
    "teal": "#3f9796",
    "blue": "#4468e4",
    "purple": "#8a5cf0",
    "pink": "#c4559a",
}


def tag_colour(name: str) -> str:
    """`red` → #d04545; what is no colour of ours is grey."""
    return name if re.fullmatch("#[0-9a-fA-F]{6}", name) else _TAG_COLOURS.get(name, _TAG_COLOURS["grey"])


#: what the templates call
GLOBALS: dict[str, Any] = {
    "initials": initials,
    "hue": hue,
    "tone_of": tone,
    "stage_tone": stage_tone,
    "tag_colour": tag_colour,
    "slots_of": slots_of,
    "late_of": late_of,
    "listed": listed,
    "states": STATES,
    "people": PEOPLE,
    "said": SAID,
    "words": words,
    # for what is stored: the templates' own `_` takes a text for markup and for a format
    "translated": gettext,
    "key_facts": KEY_FACTS,
    "languages": LANGUAGES,
    "script_texts": script_texts,
}
