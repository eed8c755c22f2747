"""Colleagues named in a text: `@mara` is the user with that name to sign in."""

from __future__ import annotations

import re

MOST = 20
#: not inside an e-mail address or another word
_NAME = re.compile(r"(?<![\w@./-])@([\w][\w.-]{0,79})")


def named(text: str | None) -> list[str]:
    """The names in `text` in lower case, each once, in order; at most 20.  A full stop at the end is none of it."""
    found = (match[1].rstrip(".-").casefold() for match in _NAME.finditer(text or ""))
    return list(dict.fromkeys(name for name in found if name))[:MOST]


def newly_named(before: str | None, after: str | None) -> list[str]:
    """Those that `after` names and `before` did not."""
    known = set(named(before))
    return [name for name in named(after) if name not in known]
