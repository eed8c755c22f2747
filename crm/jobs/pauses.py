"""A queue that waits for a server: all that is due is put off at once, and fetched back at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select, update

from crm.jobs.events import instant
from crm.jobs.lease import AWAY
from crm.models.job import Job, JobStatus


def put_off(connection: Connection, queue: str, *, seconds: float, why: str) -> int:
    """No job of the queue begins within `seconds`; how many would have.  The diary is not told of each: an outage of
    an hour must not fill it.
    """
    until = instant(connection, plus_s=seconds)
    soon = select(Job.id).where(*_waiting(queue), Job.run_at < until)
    return _move(connection, soon, run_at=until, error_class=AWAY, last_error=why)


def fetch_back(connection: Connection, queue: str, *, seconds: float) -> int:
    """What would begin within `seconds` begins now; how many jobs."""
    soon = Job.run_at.between(instant(connection), instant(connection, plus_s=seconds))
    return _move(connection, select(Job.id).where(*_waiting(queue), soon), run_at=instant(connection))


def _waiting(queue: str) -> tuple[ColumnElement[bool], ...]:
    return (Job.queue == queue, Job.status == JobStatus.QUEUED)


def _move(connection: Connection, chosen: Select[Any], **values: Any) -> int:
    """Rows that somebody holds just now are left to them: two who do this at once never wait for each other."""
    rows = chosen.order_by(Job.id).with_for_update(skip_locked=True).cte("chosen")
    return connection.execute(update(Job).where(Job.id.in_(select(rows.c.id))).values(values)).rowcount
