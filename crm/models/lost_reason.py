"""Why a deal was lost."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from crm.entity import Entity
from crm.models.base import Record, Trashable, live_unique


class LostReason(Trashable, Record):
    """Chosen from a list, so that reports can count it."""

    __tablename__ = "lost_reason"
    __table_args__ = (live_unique("uq_lost_reason_name", "name", message="Lost reason already exists"),)
    __entity__ = Entity(
        section="Settings",
        icon="thumb-down",
        list=("name", "requires_note", "active", "created_at"),
        form=("name", "requires_note", "active"),
        filters=("name", "active", "created_at"),
        sort=("name", "created_at"),
        order="name",
    )

    name: Mapped[str] = mapped_column(String(120), doc="The reason.")
    requires_note: Mapped[bool] = mapped_column(default=False, doc="Must be explained in a note.")
    active: Mapped[bool] = mapped_column(default=True, index=True, doc="May be chosen.")
