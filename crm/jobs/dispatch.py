"""The relay's statements: which jobs are due, which wake-ups were lost, what could not be sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, exists, func, or_, select, update

from crm.jobs.events import change, instant
from crm.models.job import Job, JobStatus

#: without a claim for this long, a wake-up counts as lost
LOST_AFTER_S = 30.0
#: wake-ups that may be on their way per queue; the rest waits in the table, by priority
IN_FLIGHT = 100
BATCH = 100


class WakeUp(NamedTuple):
    """Sent to a worker: nothing but which job, and by which queue."""

    job_id: int
    queue: str


def anything_due(connection: Connection, *, lost_after_s: float = LOST_AFTER_S) -> bool:
    """A cheap look without a lock."""
    due = exists().where(Job.status == JobStatus.QUEUED, Job.run_at <= instant(connection))
    return bool(connection.scalar(select(or_(due, exists().where(*_lost(connection, lost_after_s))))))


def take_due(
    connection: Connection, *, by: str, limit: int = BATCH, lost_after_s: float = LOST_AFTER_S
) -> list[WakeUp]:
    """Mark what is due as dispatched and return it in order; the caller commits before it talks to Redis.

    Relays that run at once take different rows: locked ones are skipped on PostgreSQL, BEGIN IMMEDIATE is the lock
    on SQLite.
    """
    waiting = [Job.status == JobStatus.QUEUED, Job.run_at <= instant(connection), Job.queue.not_in(_full(connection))]
    taken = _mark(connection, select(Job.id).where(*waiting), JobStatus.QUEUED, by, limit)
    lost = select(Job.id).where(*_lost(connection, lost_after_s))
    return taken + _mark(connection, lost, JobStatus.DISPATCHED, by, limit)


def put_back(connection: Connection, wake_ups: Sequence[WakeUp], *, by: str, why: str) -> None:
    """What could not be sent is queued again, so that it need not count as lost first."""
    numbers = [wake_up.job_id for wake_up in wake_ups]
    statement = (
        update(Job)
        .where(Job.id.in_(numbers), Job.status == JobStatus.DISPATCHED)
        .values(status=JobStatus.QUEUED)
        .returning(Job.id, Job.status, Job.attempt)
    )
    change(connection, statement, before=JobStatus.DISPATCHED, by=by, note=why)


def _full(connection: Connection) -> list[str]:
    """Queues that have enough wake-ups on their way."""
    counted = select(Job.queue).where(Job.status == JobStatus.DISPATCHED).group_by(Job.queue)
    return list(connection.scalars(counted.having(func.count() >= IN_FLIGHT)))


def _lost(connection: Connection, lost_after_s: float) -> list[Any]:
    return [Job.status == JobStatus.DISPATCHED, Job.dispatched_at < instant(connection, plus_s=-lost_after_s)]


def _mark(connection: Connection, rows: Select[Any], before: JobStatus, by: str, limit: int) -> list[WakeUp]:
    # A common table expression with FOR UPDATE is evaluated once; a plain subquery may be repeated, past its limit.
    chosen = rows.order_by(Job.priority, Job.run_at, Job.id).limit(limit).with_for_update(skip_locked=True).cte("due")
    statement = (
        update(Job)
        .where(Job.id.in_(select(chosen.c.id)))
        .values(status=JobStatus.DISPATCHED, dispatched_at=instant(connection), dispatches=Job.dispatches + 1)
        .returning(Job.id, Job.status, Job.attempt, Job.queue, Job.priority, Job.run_at)
    )
    note = "wake-up lost" if before is JobStatus.DISPATCHED else ""
    marked = change(connection, statement, before=before, by=by, note=note)
    taken = sorted(marked, key=lambda r: (r.priority, r.run_at, r.id))
    return [WakeUp(row.id, row.queue) for row in taken]
