"""Asking for work: a row of the job table, in the transaction of whoever wants it done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm.columns import now
from crm.db import actor_of
from crm.logs import request_id
from crm.models.job import Job, JobEffect, JobStatus

PAYLOAD_LIMIT = 16_384


def enqueue(
    session: Session,
    kind: str,
    *,
    key: str,
    run_at: datetime | None = None,
    queue: str = "default",
    priority: int = 100,
    effect: JobEffect = JobEffect.IDEMPOTENT,
    **payload: Any,
) -> bool:
    """Ask for a job of `kind`; False if one with the same `key` was asked for before.

    `payload` holds numbers and short texts, no secrets; the job runs with the rights the actor has when it runs.
    """
    moment = now()
    row = {
        "kind": kind,
        "dedupe_key": key,
        "payload": payload,
        "queue": queue,
        "priority": priority,
        "effect": effect,
        "status": JobStatus.QUEUED,
        "run_at": run_at or moment,
        "created_at": moment,
        "principal_id": actor_of(session).user_id,
        "request_id": request_id.get(),
    }
    dialect = session.get_bind().dialect.name
    make: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(Job).values(row).on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(Job.id)
    return session.connection().execute(statement).first() is not None
