"""A task that comes again: the rule, and what each task of the series looks like."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import Document, choice
from crm.entity import Entity
from crm.models.base import Linked, Record, Trashable
from crm.models.task_terms import TaskKind, TaskPriority
from crm.models.team import Team
from crm.models.user import User


class Recurrence(StrEnum):
    """From when on the next task is reckoned."""

    AFTER_DUE = "after_due"
    AFTER_COMPLETION = "after_completion"


class TaskSeries(Linked, Trashable, Record):
    """The next task is made exactly once per occurrence, when the one before it is closed or its turn comes."""

    __tablename__ = "task_series"
    __entity__ = Entity(
        section="Sales",
        icon="repeat",
        label="title",
        list=("title", "rrule", "recurrence", "starts_at", "assignee_id", "active", "created_at"),
        form=(
            *("title", "rrule", "recurrence", "starts_at", "all_day", "timezone", "active", "description", "kind"),
            *("priority", "assignee_id", "team_id", "record_type", "record_id", "checklist", "reminder_offsets"),
        ),
        filters=("active", "assignee_id", "team_id", "record_type", "created_at", "updated_at"),
        sort=("created_at", "updated_at"),
        owner="assignee_id",
    )

    title: Mapped[str] = mapped_column(String(200), doc="What has to be done.")
    rrule: Mapped[str] = mapped_column(String(500), doc="How it recurs, RFC 5545: FREQ=WEEKLY;BYDAY=MO.")
    recurrence: Mapped[Recurrence] = mapped_column(
        choice(Recurrence), default=Recurrence.AFTER_DUE, doc="Reckoned from the due date, or from completion."
    )
    starts_at: Mapped[datetime] = mapped_column(doc="First time it is due.")
    all_day: Mapped[bool] = mapped_column(default=False, doc="Due on a day, without an hour.")
    timezone: Mapped[str] = mapped_column(String(64), default="", doc="Zone the rule goes by; empty: the assignee's.")
    active: Mapped[bool] = mapped_column(default=True, index=True, doc="Goes on.")
    description: Mapped[str] = mapped_column(Text, default="", doc="How, and why.")
    kind: Mapped[TaskKind] = mapped_column(choice(TaskKind), default=TaskKind.TODO, doc="Kind of work.")
    priority: Mapped[TaskPriority] = mapped_column(
        choice(TaskPriority), default=TaskPriority.NORMAL, doc="How much it matters."
    )
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), doc="Who does it.")
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"), index=True, doc="Team it belongs to.")
    checklist: Mapped[list[Any]] = mapped_column(Document, default=list, doc="Steps of each task: text and done.")
    reminder_offsets: Mapped[list[Any]] = mapped_column(
        Document, default=list, doc="Minutes before the due time at which to remind."
    )

    assignee: Mapped[User | None] = relationship(foreign_keys=[assignee_id])
    team: Mapped[Team | None] = relationship(foreign_keys=[team_id])
