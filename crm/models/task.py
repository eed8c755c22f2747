"""Something somebody has to do."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import Document, choice
from crm.entity import Entity
from crm.models.base import Linked, Record, Searchable, Trashable
from crm.models.task_figures import Reckoned
from crm.models.task_series import TaskSeries
from crm.models.task_terms import CLOSED, OPEN, TaskKind, TaskPriority, TaskStatus
from crm.models.team import Team
from crm.models.user import User

__all__ = ["CLOSED", "OPEN", "Task", "TaskKind", "TaskPriority", "TaskStatus"]


class Task(Reckoned, Linked, Trashable, Searchable, Record):
    """Belongs to its assignee; due at an instant, or on a day in the assignee's zone."""

    __tablename__ = "task"
    __table_args__ = (Index("uq_task_series_id_occurrence", "series_id", "occurrence", unique=True),)
    __entity__ = Entity(
        section="Sales",
        icon="checkbox",
        label="title",
        list=("title", "status", "priority", "due_at", "due_date", "progress", "assignee_id", "created_at"),
        form=(
            *("title", "description", "kind", "status", "priority", "start_at", "due_at", "due_date", "progress"),
            *("assignee_id", "team_id", "parent_id", "record_type", "record_id", "checklist"),
        ),
        search=("title", "description"),
        filters=(
            *("status", "priority", "kind", "due_at", "due_date", "assignee_id", "team_id", "parent_id"),
            *("record_type", "record_id", "series_id", "completed_at", "overdue", "created_at", "updated_at"),
        ),
        sort=("due_at", "due_date", "priority", "status", "created_at", "updated_at"),
        owner="assignee_id",
    )

    title: Mapped[str] = mapped_column(String(200), doc="What has to be done.")
    description: Mapped[str] = mapped_column(Text, default="", doc="How, and why.")
    kind: Mapped[TaskKind] = mapped_column(choice(TaskKind), default=TaskKind.TODO, index=True, doc="Kind of work.")
    status: Mapped[TaskStatus] = mapped_column(
        choice(TaskStatus), default=TaskStatus.NOT_STARTED, index=True, doc="Where it stands."
    )
    priority: Mapped[TaskPriority] = mapped_column(
        choice(TaskPriority), default=TaskPriority.NORMAL, index=True, doc="How much it matters."
    )
    start_at: Mapped[datetime | None] = mapped_column(doc="When work may begin.")
    due_at: Mapped[datetime | None] = mapped_column(index=True, doc="When it must be done.")
    due_date: Mapped[date | None] = mapped_column(index=True, doc="Day it must be done, if no hour is given.")
    progress: Mapped[int] = mapped_column(default=0, doc="Percent done, 0 to 100.")
    completed_at: Mapped[datetime | None] = mapped_column(index=True, doc="When it was done.")
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), doc="Who does it.")
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"), index=True, doc="Team it belongs to.")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("task.id"), index=True, doc="Task it is a part of.")
    checklist: Mapped[list[Any]] = mapped_column(Document, default=list, doc="Steps: text and done.")
    series_id: Mapped[int | None] = mapped_column(ForeignKey("task_series.id"), index=True, doc="Series it is one of.")
    occurrence: Mapped[str | None] = mapped_column(String(40), doc="Which one of its series, counted from 1.")

    assignee: Mapped[User | None] = relationship(foreign_keys=[assignee_id])
    team: Mapped[Team | None] = relationship(foreign_keys=[team_id])
    parent: Mapped[Task | None] = relationship(remote_side="Task.id", foreign_keys=[parent_id])
    series: Mapped[TaskSeries | None] = relationship(foreign_keys=[series_id])
