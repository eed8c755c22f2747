"""Doing a POST once: the first answer to an Idempotency-Key is kept for 24 hours, in the transaction of the work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm.columns import now
from crm.db import actor_of
from crm.errors import Conflict
from crm.models.idempotency_record import IdempotencyRecord

KEPT_FOR = timedelta(hours=24)
OTHER_BODY = "This Idempotency-Key was used for another request"


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was first given: status, headers one a line, body."""

    status: int
    headers: str
    body: bytes


def once(session: Session, key: str, digest: str, work: Callable[[Session], Kept]) -> Kept:
    """The kept answer to `key`, or that of `work`, kept from now on.  Conflict if `digest` is another one.

    The key is taken before the work begins, so that the same request at the same moment waits for the first one.
    """
    record = _take(session, key, digest)
    if record is None:
        return _known(session, key, digest)
    kept = work(session)
    values = {"status": kept.status, "headers": kept.headers, "body": kept.body}
    _execute(session, update(IdempotencyRecord).where(IdempotencyRecord.id == record).values(**values))
    return kept


def purge_expired(session: Session) -> int:
    """Forget what is older than a day; returns how many."""
    gone = _execute(session, delete(IdempotencyRecord).where(IdempotencyRecord.expires_at < now()))
    return int(gone.rowcount)


def _take(session: Session, key: str, digest: str) -> int | None:
    """The number of a new (or expired and renewed) record; None if the key is taken."""
    moment = now()
    row = {"created_at": moment, "expires_at": moment + KEPT_FOR, "request_hash": digest}
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(IdempotencyRecord).values(user_id=actor_of(session).user_id, key=key, **row)
    statement = insert.on_conflict_do_update(
        index_elements=["user_id", "key"], set_=row, where=IdempotencyRecord.expires_at < moment
    ).returning(IdempotencyRecord.id)
    taken: int | None = _execute(session, statement).scalar()
    return taken


def _known(session: Session, key: str, digest: str) -> Kept:
    row = session.connection().execute(
        select(
            IdempotencyRecord.request_hash, IdempotencyRecord.status, IdempotencyRecord.headers, IdempotencyRecord.body
        ).where(IdempotencyRecord.user_id == actor_of(session).user_id, IdempotencyRecord.key == key)
    )
    request_hash, status, headers, body = row.one()
    if request_hash != digest:
        raise Conflict(OTHER_BODY)
    return Kept(status, headers, bytes(body))


def _execute(session: Session, statement: Any) -> Any:
    return session.connection().execute(statement)
