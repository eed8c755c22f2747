"""Forgets jobs that succeeded long ago; those that need a human, or were called off by one, stay."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, func, select

from crm.columns import now
from crm.models.job import Job, JobStatus

KEPT = timedelta(days=30)
BATCH = 1_000


def purge(connection: Connection, *, kept: timedelta = KEPT, limit: int = BATCH) -> int:
    """Delete the oldest that are done, with their diary; how many.  Call it again while it returns `limit`.

    The newest row always stays: SQLite would give its number to the next job, and mail remembers its job's number.
    A key may be used again once its job is gone; what made it (a fire, a mail, a reminder) has moved on by then.
    """
    newest = select(func.max(Job.id)).scalar_subquery()
    done = (Job.status == JobStatus.SUCCEEDED, Job.finished_at < now() - kept, Job.id < newest)
    oldest = select(Job.id).where(*done).order_by(Job.id).limit(limit)
    return connection.execute(delete(Job).where(Job.id.in_(oldest))).rowcount
