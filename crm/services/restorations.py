"""A restored copy holds its mail until somebody says that it may leave the house."""

from __future__ import annotations

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.db import actor_of
from crm.entity import operation
from crm.errors import Conflict
from crm.jobs import holding
from crm.models.job import Job, JobStatus
from crm.models.restoration import Restoration

_UNSCOPED = {"unscoped": True}


@operation(Restoration, icon="player-play", tone="good", when=lambda made: made.released_at is None)
def release(session: Session, restoration: Restoration) -> None:
    """Let all mail go that was held; what the original sent since the backup is then sent twice."""
    if restoration.released_at is not None:
        raise Conflict("This copy has been released before")
    _mark(session, restoration)
    session.flush()
    holding.release_all(session.connection(), by=actor_of(session).name)


def release_everything(session: Session) -> int:
    """Release every restored copy and every held job, for the command line; how many jobs."""
    for restoration in session.scalars(select(Restoration).where(Restoration.released_at.is_(None))):
        _mark(session, restoration)
    session.flush()
    return holding.release_all(session.connection(), by=actor_of(session).name)


def unreleased(session: Session) -> Restoration | None:
    """The latest restoration that still holds mail back, whoever asks: all who use the copy should know."""
    wanted = select(Restoration).where(Restoration.released_at.is_(None)).order_by(Restoration.id.desc()).limit(1)
    found: Restoration | None = session.scalar(wanted, execution_options=_UNSCOPED)
    return found


def is_a_copy(session: Session) -> bool:
    """Cheaper than `unreleased`, for every page."""
    wanted = select(exists().where(Restoration.released_at.is_(None)))
    return bool(session.scalar(wanted, execution_options=_UNSCOPED))


def count_held(session: Session) -> int:
    """Jobs that are held, whoever asked for them."""
    wanted = select(func.count(Job.id)).where(Job.status == JobStatus.HELD)
    return session.scalar(wanted, execution_options=_UNSCOPED) or 0


def _mark(session: Session, restoration: Restoration) -> None:
    restoration.released_at, restoration.released_by_id = now(), actor_of(session).user_id
