"""Something that recurs: a report by mail, a clean-up, an import."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import Document, choice
from crm.entity import Entity
from crm.models.base import Record, Trashable, live_unique
from crm.models.user import User


class CatchUp(StrEnum):
    """What happens to fires that were missed while nothing ran."""

    EACH = "each"
    LATEST = "latest"
    SKIP = "skip"


class Schedule(Trashable, Record):
    """Each fire is one job of `kind` with `payload`; either `cron` or `interval_s` is set."""

    __tablename__ = "schedule"
    __table_args__ = (live_unique("uq_schedule_name", "name", message="Schedule name already exists"),)
    __entity__ = Entity(
        section="Automation",
        icon="calendar-repeat",
        list=("name", "kind", "cron", "interval_s", "timezone", "enabled", "last_fire_at"),
        form=("name", "kind", "payload", "cron", "interval_s", "timezone", "catch_up", "enabled", "owner_id"),
        filters=("kind", "enabled", "owner_id", "created_at"),
        sort=("created_at",),
        owner="owner_id",
        owner_alone=("update", "run_now"),
    )

    name: Mapped[str] = mapped_column(String(120), doc="What it does, in words.")
    kind: Mapped[str] = mapped_column(String(60), index=True, doc="Job to run, such as report.mail.")
    payload: Mapped[dict[str, Any]] = mapped_column(Document, default=dict, doc="Arguments of the job.")
    cron: Mapped[str] = mapped_column(String(120), default="", doc="Five cron fields, such as 0 8 * * mon.")
    interval_s: Mapped[int | None] = mapped_column(doc="Seconds between two fires, instead of cron.")
    timezone: Mapped[str] = mapped_column(String(64), default="", doc="Zone of the cron fields; empty: the system's.")
    catch_up: Mapped[CatchUp] = mapped_column(
        choice(CatchUp), default=CatchUp.LATEST, doc="What happens to missed fires: each, latest or skip."
    )
    enabled: Mapped[bool] = mapped_column(default=True, index=True, doc="Runs.")
    last_fire_at: Mapped[datetime | None] = mapped_column(doc="Last fire that was put into the queue.")
    fires_after: Mapped[datetime | None] = mapped_column(doc="Fires later than this are still to come.")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), doc="Whose rights the job has.")

    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
