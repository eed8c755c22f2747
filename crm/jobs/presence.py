"""Signs of life: workers and schedulers tell that they are there, `/api/ready` and the job console ask."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from crm.columns import now
from crm.models.process_heartbeat import ProcessHeartbeat

HEARD_WITHIN_S = 60.0
_FORGOTTEN_AFTER = timedelta(hours=24)


def beat(connection: Connection, *, process: str, role: str) -> None:
    """The process (`host:pid`) lives; `role` is `worker` or `scheduler`."""
    moment = now()
    make: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {"process": process, "role": role, "seen_at": moment, "created_at": moment}
    statement = make(ProcessHeartbeat).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["process"], set_={"seen_at": moment}))
    connection.execute(delete(ProcessHeartbeat).where(ProcessHeartbeat.seen_at < moment - _FORGOTTEN_AFTER))


def leave(connection: Connection, *, process: str) -> None:
    """The process ends in good order."""
    connection.execute(delete(ProcessHeartbeat).where(ProcessHeartbeat.process == process))


def last_heard(connection: Connection, role: str) -> datetime | None:
    """When any process of this role last gave a sign of life; None: never."""
    newest = select(func.max(ProcessHeartbeat.seen_at)).where(ProcessHeartbeat.role == role)
    found: datetime | None = connection.scalar(newest)
    return found


def is_heard(connection: Connection, role: str, *, within_s: float = HEARD_WITHIN_S) -> bool:
    """Has any process of this role given a sign of life lately?"""
    seen = last_heard(connection, role)
    return seen is not None and seen > now() - timedelta(seconds=within_s)
