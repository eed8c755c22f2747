"""Sessions of the panel: the cookie is a random number, the row (its SHA-256) everything else.

A session ends at sign-out, after eight hours without use, after fourteen days, and at once when its user is
disabled, deleted or gets another password.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from crm.columns import Instant, now
from crm.models.admin_session import AdminSession
from crm.models.user import User
from crm.services.tokens import digest, random_token

IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(days=14)
#: how exact `seen_at` is: not every page costs a write
TOUCH_AFTER = timedelta(minutes=5)
_SYSTEM = {"unscoped": True, "synchronize_session": False}


def open_session(session: Session, user: User | None) -> str:
    """Make a session and answer the cookie's value; without a user, one for the sign-in page's CSRF token."""
    value, moment = random_token(), now()
    begins = max(moment, user.tokens_from) if user else moment
    row = AdminSession(
        token_hash=digest(value),
        user_id=user.id if user else None,
        csrf_token=secrets.token_urlsafe(32),
        created_at=begins,
        seen_at=moment,
        expires_at=moment + ABSOLUTE,
    )
    session.add(row)
    session.flush()
    return value


@dataclass(frozen=True, slots=True)
class Found:
    """A live session; `access_version` is its user's at this moment."""

    user_id: int | None
    csrf_token: str
    seen_at: datetime
    access_version: int | None


def _live() -> Select[int | None, str, datetime, int]:
    """Put together once: each page of the panel asks."""
    moment, oldest = bindparam("moment", type_=Instant()), bindparam("oldest", type_=Instant())
    told = (AdminSession.user_id, AdminSession.csrf_token, AdminSession.seen_at, User.access_version)
    may_sign_in = and_(User.status, User.deleted_at.is_(None), User.tokens_from <= AdminSession.created_at)
    wanted = select(*told).outerjoin(User, User.id == AdminSession.user_id)
    wanted = wanted.where(AdminSession.token_hash == bindparam("token_hash"), AdminSession.expires_at > moment)
    return wanted.where(AdminSession.seen_at > oldest, or_(AdminSession.user_id.is_(None), may_sign_in))


_LIVE = _live()


def find_session(session: Session, cookie: str) -> Found | None:
    """The live session of a cookie; None if there is none, it ran out, or its user may no longer sign in."""
    moment = now()
    given = {"token_hash": digest(cookie), "moment": moment, "oldest": moment - IDLE}
    row = session.execute(_LIVE, given, execution_options={"unscoped": True}).one_or_none()
    return Found(*row) if row is not None else None


def needs_touch(found: Found) -> bool:
    """Whether the session was last seen so long ago that `touch` should be called."""
    return found.seen_at < now() - TOUCH_AFTER


def touch(session: Session, cookie: str) -> None:
    """Note that the session is in use."""
    seen = update(AdminSession).where(AdminSession.token_hash == digest(cookie)).values(seen_at=now())
    session.execute(seen, execution_options=_SYSTEM)


def end_session(session: Session, cookie: str) -> None:
    """Sign out; the cookie is worth nothing from now on."""
    gone = delete(AdminSession).where(AdminSession.token_hash == digest(cookie))
    session.execute(gone, execution_options=_SYSTEM)
