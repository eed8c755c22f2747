"""The diary of the job table, and its clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Interval, func, insert, literal

from crm.columns import now
from crm.models.job import JobStatus
from crm.models.job_event import JobEvent


class JobState(NamedTuple):
    """One step of one job."""

    job_id: int
    before: JobStatus | None
    after: JobStatus
    attempt: int = 0
    note: str = ""


def record(connection: Connection, steps: Iterable[JobState], *, by: str) -> None:
    """Append the steps to `job_event`; `by` is the worker, process or user."""
    moment = now()
    rows = [
        {
            "job_id": step.job_id,
            "from_status": step.before.value if step.before else "",
            "to_status": step.after.value,
            "attempt": step.attempt,
            "actor": by[:120],
            "note": step.note[:500],
            "created_at": moment,
        }
        for step in steps
    ]
    if rows:
        connection.execute(insert(JobEvent), rows)


def instant(connection: Connection, *, plus_s: float = 0) -> Any:
    """Now, or some seconds from now, for use in a statement: PostgreSQL's own clock, which all its clients share."""
    if connection.dialect.name != "postgresql":
        return now() + timedelta(seconds=plus_s)
    moment = func.clock_timestamp()
    return moment + literal(timedelta(seconds=plus_s), Interval()) if plus_s else moment
