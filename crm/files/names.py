"""What an uploaded file may be called: names that every system can store, and that deceive nobody."""

from __future__ import annotations

import re
import unicodedata

from crm.errors import invalid
from crm.legible import legible

LONGEST = 200
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_MANY_BLANKS = re.compile(r"\s+")


def cleaned(name: str) -> str:
    """The name as it is stored; BadInput for the field `file` where it holds a path or control characters.

    Characters that Windows forbids become `_`, invisible ones (such as those that turn the direction of writing) go,
    and a name that is too long loses the end of its stem, never its ending.
    """
    if any(unicodedata.category(c) == "Cc" for c in name):
        raise invalid("file", "The name of the file holds control characters")
    if "/" in name or "\\" in name:
        raise invalid("file", "The name of the file must not hold a path: / and \\ are not allowed")
    text = legible(unicodedata.normalize("NFC", name))
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cs", "Co", "Cn"))
    text = _MANY_BLANKS.sub(" ", _FORBIDDEN.sub("_", text)).strip().rstrip(". ")
    if not text.strip("."):
        raise invalid("file", "The file has no name")
    stem, dot, ending = text.rpartition(".")
    if not dot:
        stem, ending = text, ""
    if _RESERVED.fullmatch(text.partition(".")[0].strip()):
        stem = f"_{stem}"
    return stem[: LONGEST - len(dot + ending)] + dot + ending if len(ending) < 20 else (stem + dot + ending)[:LONGEST]


def ending(name: str) -> str:
    """`Offer.PDF` → `pdf`; empty without one."""
    _, dot, last = name.rpartition(".")
    return last.lower() if dot else ""
