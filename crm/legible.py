"""Text that can be stored, and names without what cannot be seen: by such characters one name passes for another."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import PydanticCustomError

#: marks, embeddings, overrides and isolates of direction; spaces of no width, soft hyphens, fillers, notes, tags
_UNSEEN = (
    "\u00ad\u034f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001-\U000e007f"
)
#: the flags of England, Scotland and Wales are spelled with tags behind a black flag
_FLAG = "\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f"
#: NUL, and halves of characters: no database takes them
_REFUSED = re.compile("[\0\ud800-\udfff]")
_ANY = re.compile(f"[{_UNSEEN}]")
_BUT_FLAGS = re.compile(f"({_FLAG})|[{_UNSEEN}]")
#: what scripts and emoji join and choose their forms with; alone they show nothing
_JOINERS = re.compile("[\u115f\u1160\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef\\s]*")


def legible(text: str) -> str:
    """`text` without invisible characters; joiners within words and emoji stay, and so do letters of every script.

    Taken away and not refused: they come along when text is copied, and nobody could find what is complained of.
    """
    if text.isascii():
        return text
    if _ANY.search(text):
        text = _BUT_FLAGS.sub(r"\1", text)
    return "" if _JOINERS.fullmatch(text) else text


def storable(value: Any) -> Any:
    """Text as it was sent; PydanticCustomError for what a database refuses.  Other values are none of its business."""
    if isinstance(value, str) and _REFUSED.search(value):
        raise PydanticCustomError("not_text", "must be text without control characters")
    return value


def one_line(value: Any) -> Any:
    """The same for a name, a title or whatever else is no long text: `legible`, too."""
    return legible(storable(value)) if isinstance(value, str) else value
