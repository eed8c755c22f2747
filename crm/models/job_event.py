"""The life of a job, step by step."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.entity import Entity
from crm.models.base import Stamped
from crm.models.job import Job


class JobEvent(Stamped):
    """Append-only."""

    __tablename__ = "job_event"
    __entity__ = Entity(
        section="Automation",
        icon="list-details",
        label="to_status",
        list=("job_id", "from_status", "to_status", "attempt", "actor", "note", "created_at"),
        filters=("job_id", "created_at"),
        sort=("created_at",),
        through="job",
        verbs=(),
        audit=False,
    )

    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), index=True, doc="The job.")
    from_status: Mapped[str] = mapped_column(String(32), default="", doc="Status before.")
    to_status: Mapped[str] = mapped_column(String(32), doc="Status after.")
    attempt: Mapped[int] = mapped_column(default=0, doc="Attempt it belongs to.")
    actor: Mapped[str] = mapped_column(String(120), default="", doc="Worker or user who did it.")
    note: Mapped[str] = mapped_column(String(500), default="", doc="Why.")

    job: Mapped[Job] = relationship(foreign_keys=[job_id])
