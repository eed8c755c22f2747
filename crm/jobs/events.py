"""The diary of the job table, and its clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, DateTime, Interval, Row, Select, String, bindparam, func, insert, literal, select
from sqlalchemy.sql.dml import ReturningUpdate

from crm.columns import now
from crm.models.job import Job, JobStatus
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


def change(
    connection: Connection,
    statement: ReturningUpdate[*tuple[Any, ...]],
    *,
    before: JobStatus,
    by: str,
    note: str = "",
    values: Mapping[str, Any] = MappingProxyType({}),
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Run an UPDATE of jobs that returns at least id, status and attempt, and append its steps to the diary; its rows.

    One round trip on PostgreSQL, where an INSERT may read what an UPDATE returns.  `values` are those of parameters
    that the statement names; it is prepared but once if it is the same object each time.
    """
    if connection.dialect.name != "postgresql":
        rows = connection.execute(statement, values).all()
        record(connection, (JobState(r.id, before, JobStatus(r.status), r.attempt, note) for r in rows), by=by)
        return rows
    told = {"diary_before": before.value, "diary_by": by[:120], "diary_note": note[:500], "diary_at": now()}
    return connection.execute(_with_diary(statement), {**values, **told}).all()


@lru_cache(maxsize=32)
def _with_diary(statement: ReturningUpdate[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    changed = statement.cte("changed")
    told = [bindparam(f"diary_{name}", type_=String) for name in ("before", "by", "note")]
    columns = (changed.c.id, changed.c.status, changed.c.attempt, *told, bindparam("diary_at", type_=DateTime(True)))
    names = ["job_id", "to_status", "attempt", "from_status", "actor", "note", "created_at"]
    return select(changed).add_cte(insert(JobEvent).from_select(names, select(*columns)).cte("diary"))


def instant(connection: Connection, *, plus_s: float = 0) -> Any:
    """Now, or some seconds from now, for use in a statement: PostgreSQL's own clock, which all its clients share."""
    if connection.dialect.name != "postgresql":
        return now() + timedelta(seconds=plus_s)
    moment = func.clock_timestamp()
    return moment + literal(timedelta(seconds=plus_s), Interval()) if plus_s else moment


def clock(dialect: str) -> tuple[Any, Any]:
    """Now and a later moment as `instant` has them, for statements that are made once; see `clock_values`."""
    if dialect != "postgresql":
        return bindparam("clock_now", type_=Job.run_at.type), bindparam("clock_later", type_=Job.run_at.type)
    return func.clock_timestamp(), func.clock_timestamp() + bindparam("clock_plus", type_=Interval())


def clock_values(plus_s: float) -> dict[str, Any]:
    """What the parameters of `clock` stand for at this moment."""
    moment, plus = now(), timedelta(seconds=plus_s)
    return {"clock_now": moment, "clock_later": moment + plus, "clock_plus": plus}
