"""Tags: a colour that every surface can draw."""

from __future__ import annotations

import re

from sqlalchemy.orm import Session

from crm.entity import rule
from crm.errors import invalid
from crm.models.tag import Tag

COLOURS = ("grey", "red", "orange", "amber", "green", "teal", "blue", "purple", "pink")
_OWN = re.compile(r"#[0-9a-f]{6}")


@rule(Tag)
def know_the_colour(_session: Session, tag: Tag, changed: frozenset[str]) -> None:
    """A colour of ours by name, or any as #rrggbb."""
    if "colour" not in changed:
        return
    tag.colour = (tag.colour or "").strip().lower() or COLOURS[0]
    if tag.colour not in COLOURS and not _OWN.fullmatch(tag.colour):
        raise invalid("colour", "must be #rrggbb or one of: %(known)s", known=", ".join(COLOURS))
