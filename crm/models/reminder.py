"""A promise to tell somebody something at a moment."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import choice, filled_by_rule
from crm.entity import Entity
from crm.models.base import Linked, Record
from crm.models.user import User


class Channel(StrEnum):
    """How the user is told."""

    EMAIL = "email"
    APP = "app"
    BOTH = "both"


class ReminderState(StrEnum):
    """Whether it was told."""

    WAITING = "waiting"
    SENT = "sent"
    CANCELLED = "cancelled"


class ReminderKind(StrEnum):
    """What it reminds of."""

    CUSTOM = "custom"
    TASK = "task"
    FOLLOW_UP = "follow_up"
    CLOSE_DATE = "close_date"
    STALE = "stale"
    OVERDUE = "overdue"


class Reminder(Linked, Record):
    """`key` is unique: one reminder per user, record and moment, whoever asks for it."""

    __tablename__ = "reminder"
    __table_args__ = (Index("ix_reminder_state_remind_at", "state", "remind_at"),)
    __entity__ = Entity(
        section="Sales",
        icon="alarm",
        label="subject",
        list=("subject", "user_id", "remind_at", "channel", "state"),
        form=("subject", "user_id", "remind_at", "channel", "record_type", "record_id"),
        filters=("state", "kind", "user_id", "remind_at", "record_type", "created_at"),
        sort=("remind_at", "created_at"),
        order="remind_at",
        owner="user_id",
    )

    subject: Mapped[str] = mapped_column(String(200), doc="What to remember.")
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id"), default=filled_by_rule, index=True, doc="Who is told; yourself if left out."
    )
    remind_at: Mapped[datetime] = mapped_column(index=True, doc="When.")
    channel: Mapped[Channel] = mapped_column(choice(Channel), default=Channel.BOTH, doc="How: email, app or both.")
    state: Mapped[ReminderState] = mapped_column(
        choice(ReminderState), default=ReminderState.WAITING, index=True, doc="Whether it was told."
    )
    kind: Mapped[ReminderKind] = mapped_column(
        choice(ReminderKind), default=ReminderKind.CUSTOM, index=True, doc="What it reminds of."
    )
    offset_minutes: Mapped[int | None] = mapped_column(doc="Minutes before the due time; empty: a moment of its own.")
    snoozes: Mapped[int] = mapped_column(default=0, doc="How often it was put off.")
    key: Mapped[str] = mapped_column(String(120), unique=True, doc="Keeps it from being told twice.")

    user: Mapped[User] = relationship(foreign_keys=[user_id])
