"""What the panel tells a user."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.entity import Entity
from crm.models.base import Linked, Stamped
from crm.models.user import User


class Notification(Linked, Stamped):
    """Unread until `read_at` is set."""

    __tablename__ = "notification"
    __table_args__ = (Index("ix_notification_user_id_read_at", "user_id", "read_at"),)
    __entity__ = Entity(
        section="Sales",
        icon="bell",
        label="title",
        list=("title", "kind", "user_id", "read_at", "created_at"),
        filters=("kind", "user_id", "read_at", "created_at"),
        sort=("created_at",),
        owner="user_id",
        verbs=(),
        audit=False,
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True, doc="Who is told.")
    kind: Mapped[str] = mapped_column(String(40), index=True, doc="What it is about: reminder, assigned, …")
    title: Mapped[str] = mapped_column(String(200), doc="The news, in a line.")
    body: Mapped[str] = mapped_column(String(1000), default="", doc="The news, in full.")
    link: Mapped[str] = mapped_column(String(300), default="", doc="Where to look, inside the panel.")
    read_at: Mapped[datetime | None] = mapped_column(index=True, doc="When it was read.")
    key: Mapped[str | None] = mapped_column(String(120), unique=True, doc="Keeps it from being told twice.")

    user: Mapped[User] = relationship(foreign_keys=[user_id])
