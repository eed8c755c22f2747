"""What a restored copy holds back: jobs that leave the house, until somebody says that they may."""

from __future__ import annotations

from sqlalchemy import Connection, exists, select, update

from crm.jobs.events import JobState, instant, record
from crm.models.job import Job, JobEffect, JobStatus
from crm.models.restoration import Restoration


def leaves_the_house(effect: JobEffect) -> bool:
    """Whether a second run could be noticed by others, such as a second mail."""
    return effect is not JobEffect.IDEMPOTENT


def is_holding(connection: Connection) -> bool:
    """Is this a restored copy whose mail nobody has released yet?"""
    return bool(connection.scalar(select(exists().where(Restoration.released_at.is_(None)))))


def status_for(connection: Connection, effect: JobEffect) -> JobStatus:
    """The status a job begins with: queued, or held where it would leave the house of a restored copy."""
    held = leaves_the_house(effect) and is_holding(connection)
    return JobStatus.HELD if held else JobStatus.QUEUED


def hold_waiting(connection: Connection, *, by: str, why: str) -> int:
    """Hold every waiting job that would leave the house; how many."""
    waiting = (JobStatus.QUEUED, JobStatus.DISPATCHED)
    statement = (
        update(Job)
        .where(Job.status.in_(waiting), Job.effect != JobEffect.IDEMPOTENT)
        .values(status=JobStatus.HELD)
        .returning(Job.id, Job.attempt)
    )
    rows = connection.execute(statement).all()
    record(connection, (JobState(r.id, JobStatus.QUEUED, JobStatus.HELD, r.attempt, why) for r in rows), by=by)
    return len(rows)


def release_all(connection: Connection, *, by: str) -> int:
    """Queue every held job; how many."""
    statement = (
        update(Job)
        .where(Job.status == JobStatus.HELD)
        .values(status=JobStatus.QUEUED, run_at=instant(connection))
        .returning(Job.id, Job.attempt)
    )
    rows = connection.execute(statement).all()
    record(connection, (JobState(r.id, JobStatus.HELD, JobStatus.QUEUED, r.attempt, "released") for r in rows), by=by)
    return len(rows)
