"""Colleagues named in a text: `@mara` is the user with that name to sign in."""

from __future__ import annotations

import re

from sqlalchemy import Row, case, func, or_, select
from sqlalchemy.orm import Session

from crm.db import actor_of
from crm.entity import permission
from crm.models.user import User

MOST = 20
OFFERED = 8
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


def colleagues(session: Session, term: str) -> list[Row[str, str]]:
    """(username, name) of users the actor sees and a text can name, whose user name or name holds `term`; at most 8.

    Names that begin so stand first.
    """
    actor, typed = actor_of(session), term.strip().casefold()
    if not actor.may(permission(User, "view")):
        return []
    columns = (func.lower(User.username), func.lower(User.name))
    begins = or_(*(column.startswith(typed, autoescape=True) for column in columns))
    holds = or_(*(column.contains(typed, autoescape=True) for column in columns))
    wanted = select(User.username, User.name).where(User.status, User.id != actor.user_id, holds)
    order = (case((begins, 0), else_=1), columns[0])
    found = session.execute(wanted.order_by(*order).limit(OFFERED * 2))
    return [row for row in found if named(f"@{row.username}") == [row.username.casefold()]][:OFFERED]
