"""Refresh tokens: rotation that is confirmed by use, so that no lost answer and no second tab signs anybody out.

The successor of a token follows from the token and our key: however often a token is used, there is one successor.
A token stays good until its successor is first used; using it after that tells of a theft and ends the family.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from crm.columns import now
from crm.models.refresh_token import RefreshToken
from crm.models.user import User
from crm.services import tokens
from crm.settings import Settings

LIFE = timedelta(days=7)
#: however often it is renewed, a sign-in ends after this time
FAMILY_LIFE = timedelta(days=30)
_SYSTEM = {"unscoped": True, "synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Pair:
    """What a client gets: a signed access token and an opaque refresh token."""

    access: str
    refresh: str


def start(session: Session, settings: Settings, user: User) -> Pair:
    """The first pair of a sign-in."""
    refresh, moment = tokens.random_token(), max(now(), user.tokens_from)
    first = RefreshToken(
        user_id=user.id,
        token_hash=tokens.digest(refresh),
        family=str(uuid.uuid4()),
        created_at=moment,
        expires_at=moment + LIFE,
    )
    session.add(first)
    session.flush()
    return Pair(tokens.issue(settings, user.id, not_before=user.tokens_from.timestamp()), refresh)


def rotate(session: Session, settings: Settings, token: str) -> Pair | None:
    """The next pair; None for a token that is unknown, expired, revoked or (its family then ends) used too late.

    The caller must commit in either case.
    """
    moment, hashed = now(), tokens.digest(token)
    used = session.execute(_use(hashed, moment), execution_options=_SYSTEM).first()
    if used is None:
        _revoke_if_reused(session, hashed, moment)
        return None
    refresh = _successor(settings, token)
    _keep(session, used, tokens.digest(refresh), moment)
    begins = session.scalars(select(User.tokens_from).where(User.id == used.user_id)).one()
    return Pair(tokens.issue(settings, used.user_id, not_before=begins.timestamp()), refresh)


def revoke(session: Session, token: str) -> None:
    """Sign out: this token, what came before it and what came after it are void; unknown ones change nothing."""
    family = select(RefreshToken.family).where(RefreshToken.token_hash == tokens.digest(token)).scalar_subquery()
    gone = update(RefreshToken).where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
    session.execute(gone.values(revoked_at=now()), execution_options=_SYSTEM)


# ---------------------------------------------------------------------------------------------- statements


def _use(hashed: str, moment: datetime) -> Any:
    """One conditional UPDATE decides: good, not yet replaced, and its user has not been shut out since."""
    user = exists().where(
        User.id == RefreshToken.user_id,
        User.status,
        User.deleted_at.is_(None),
        User.tokens_from <= RefreshToken.created_at,
    )
    return (
        update(RefreshToken)
        .where(
            RefreshToken.token_hash == hashed,
            RefreshToken.revoked_at.is_(None),
            RefreshToken.expires_at > moment,
            ~_replaced(),
            user,
        )
        .values(used_at=func.coalesce(RefreshToken.used_at, moment))
        .returning(RefreshToken.id, RefreshToken.user_id, RefreshToken.family)
    )


def _replaced() -> ColumnElement[bool]:
    """Whether the token's successor has been used."""
    successor = aliased(RefreshToken)
    return exists().where(successor.parent_id == RefreshToken.id, successor.used_at.is_not(None))


def _revoke_if_reused(session: Session, hashed: str, moment: datetime) -> None:
    stolen = select(RefreshToken.family).where(RefreshToken.token_hash == hashed, _replaced()).scalar_subquery()
    gone = update(RefreshToken).where(RefreshToken.family == stolen, RefreshToken.revoked_at.is_(None))
    session.execute(gone.values(revoked_at=moment), execution_options=_SYSTEM)


def _keep(session: Session, used: Row[Any], hashed: str, moment: datetime) -> None:
    """Store the successor, once; it lives as long as any, but not beyond its family."""
    began = select(func.min(RefreshToken.created_at)).where(RefreshToken.family == used.family)
    row = {
        "user_id": used.user_id,
        "token_hash": hashed,
        "family": used.family,
        "parent_id": used.id,
        "created_at": moment,
        "expires_at": min(moment + LIFE, session.scalars(began).one() + FAMILY_LIFE),
    }
    make: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.connection().execute(make(RefreshToken).values(row).on_conflict_do_nothing(index_elements=["token_hash"]))


def _successor(settings: Settings, token: str) -> str:
    key = settings.signing_key.encode()
    made = hmac.digest(key, b"successor:" + token.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
