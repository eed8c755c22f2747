"""A backup that was restored here: what it holds back until somebody releases it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.entity import Entity
from crm.models.base import Stamped
from crm.models.user import User


class Restoration(Stamped):
    """While one of these is not released, jobs that leave the house are held: the original may still be running."""

    __tablename__ = "restoration"
    __entity__ = Entity(
        section="Administration",
        icon="database-import",
        label="archive",
        list=("archive", "made_at", "held", "released_at", "released_by_id", "created_at"),
        filters=("created_at", "released_at"),
        sort=("created_at",),
        verbs=(),
    )

    archive: Mapped[str] = mapped_column(String(200), doc="File it was restored from.")
    made_at: Mapped[datetime] = mapped_column(doc="When the backup was made.")
    held: Mapped[int] = mapped_column(default=0, doc="Waiting jobs that were held when it was restored.")
    released_at: Mapped[datetime | None] = mapped_column(index=True, doc="Since when its mail leaves the house.")
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), doc="Who released it.")

    released_by: Mapped[User | None] = relationship(foreign_keys=[released_by_id])
