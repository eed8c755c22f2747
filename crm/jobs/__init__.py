"""Asking for work: a row of the job table, in the transaction of whoever wants it done.

The table is outbox and queue of record in one; `dispatch` holds the relay's statements, `lease` the worker's, `sweep`
those that tidy up after vanished workers.  Redis only carries wake-ups, each of which may be lost or doubled.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm.columns import now
from crm.db import actor_of
from crm.jobs.events import JobState, instant, record
from crm.jobs.holding import status_for
from crm.jobs.killpoints import reach
from crm.logs import request_id
from crm.models.job import Job, JobEffect

#: bytes of JSON
PAYLOAD_LIMIT = 16_384
QUEUES = ("default", "mail", "ai", "reports")


def enqueue(
    session: Session,
    kind: str,
    *,
    key: str,
    run_at: datetime | None = None,
    queue: str = "default",
    priority: int = 100,
    effect: JobEffect = JobEffect.IDEMPOTENT,
    attempts: int = 10,
    principal_id: int | None = None,
    **payload: Any,
) -> int | None:
    """Ask for a job of `kind`; its number, or None if one with the same `key` was asked for before.

    `payload` holds numbers and short texts, no secrets.  The job runs with the rights that `principal_id` (or else the
    actor) has when it runs.  `queue`, `effect` and `attempts` are those of the kind's `@job`; a test compares them.
    """
    if len(orjson.dumps(payload)) > PAYLOAD_LIMIT:
        raise ValueError(f"{kind}: its arguments are longer than {PAYLOAD_LIMIT} bytes")
    connection = session.connection()
    actor, status = actor_of(session), status_for(connection, effect)
    row = {
        "kind": kind,
        "dedupe_key": key,
        "payload": payload,
        "queue": queue,
        "priority": priority,
        "effect": effect,
        "max_attempts": attempts,
        "status": status,
        "run_at": run_at or instant(connection),
        "created_at": now(),
        "principal_id": principal_id or actor.user_id,
        "request_id": request_id.get(),
    }
    make: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(Job).values(row).on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(Job.id)
    number: int | None = connection.execute(statement).scalar()
    if number is not None:
        record(connection, [JobState(number, None, status)], by=actor.name)
        reach("after_asking")
    return number
