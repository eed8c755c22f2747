"""The queue of record: one row per job; Dramatiq and Redis only wake workers up."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import Document, choice, now
from crm.entity import Entity
from crm.models.base import Stamped
from crm.models.user import User


class JobStatus(StrEnum):
    """queued → dispatched → running → succeeded; or dead, uncertain, cancelled, held."""

    QUEUED = "queued"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"
    HELD = "held"


class JobEffect(StrEnum):
    """What a second run would do: nothing, harm (never again once begun), or little (again when in doubt)."""

    IDEMPOTENT = "idempotent"
    AT_MOST_ONCE = "at_most_once"
    AT_LEAST_ONCE = "at_least_once"


def _when(status: str) -> dict[str, Any]:
    condition = text(f"status = '{status}'")
    return {"sqlite_where": condition, "postgresql_where": condition}


class Job(Stamped):
    """`dedupe_key` makes one job of many wishes; `lease_token` fences off a worker that was replaced."""

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_due", "priority", "run_at", "id", **_when("queued")),
        Index("ix_job_dispatched", "dispatched_at", **_when("dispatched")),
        Index("ix_job_lease", "lease_until", **_when("running")),
    )
    __entity__ = Entity(
        section="Automation",
        icon="engine",
        label="kind",
        list=("kind", "status", "queue", "attempt", "run_at", "finished_at", "last_error", "created_at"),
        filters=("kind", "status", "queue", "principal_id", "run_at", "created_at"),
        sort=("run_at", "created_at"),
        owner="principal_id",
        secret=("lease_token",),
        verbs=(),
        audit=False,
    )

    kind: Mapped[str] = mapped_column(String(60), index=True, doc="What is done, such as email.send.")
    queue: Mapped[str] = mapped_column(String(20), default="default", index=True, doc="Queue it waits in.")
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True, doc="One job per key, however often asked for.")
    payload: Mapped[dict[str, Any]] = mapped_column(Document, default=dict, doc="Arguments: numbers and short texts.")
    effect: Mapped[JobEffect] = mapped_column(
        choice(JobEffect), default=JobEffect.IDEMPOTENT, doc="What a second run would do."
    )
    status: Mapped[JobStatus] = mapped_column(
        choice(JobStatus), default=JobStatus.QUEUED, index=True, doc="Where it stands."
    )
    priority: Mapped[int] = mapped_column(SmallInteger, default=100, doc="Smallest first.")
    run_at: Mapped[datetime] = mapped_column(default=now, index=True, doc="Not before this.")
    attempt: Mapped[int] = mapped_column(default=0, doc="Runs that returned an error.")
    max_attempts: Mapped[int] = mapped_column(default=10, doc="Errors after which it is dead.")
    crashes: Mapped[int] = mapped_column(default=0, doc="Runs whose worker vanished.")
    max_crashes: Mapped[int] = mapped_column(default=3, doc="Vanished workers after which it is dead.")
    dispatched_at: Mapped[datetime | None] = mapped_column(doc="Last time a worker was woken for it.")
    dispatches: Mapped[int] = mapped_column(default=0, doc="How often a worker was woken for it.")
    lease_token: Mapped[str | None] = mapped_column(String(36), doc="Held by the worker that runs it.")
    lease_until: Mapped[datetime | None] = mapped_column(doc="Until when the worker is believed to live.")
    worker: Mapped[str | None] = mapped_column(String(120), doc="host:pid:thread that runs it.")
    error_class: Mapped[str] = mapped_column(String(120), default="", doc="Kind of the last error.")
    last_error: Mapped[str] = mapped_column(String(2000), default="", doc="Last error, without secrets.")
    progress_done: Mapped[int | None] = mapped_column(doc="Units done.")
    progress_total: Mapped[int | None] = mapped_column(doc="Units in all.")
    progress_note: Mapped[str] = mapped_column(String(200), default="", doc="What it is doing.")
    cancel_asked_at: Mapped[datetime | None] = mapped_column(doc="When somebody asked it to stop.")
    principal_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id"), index=True, doc="User whose rights it has; empty: the system."
    )
    request_id: Mapped[str] = mapped_column(String(64), default="", doc="Request that asked for it.")
    started_at: Mapped[datetime | None] = mapped_column(doc="When it last began.")
    finished_at: Mapped[datetime | None] = mapped_column(doc="When it came to its end.")

    principal: Mapped[User | None] = relationship(foreign_keys=[principal_id])
