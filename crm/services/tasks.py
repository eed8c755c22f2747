"""Tasks: what their state means, done and open again, and the reminders that come with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import AwareDatetime, Field
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.db import actor_of
from crm.entity import extra, operation, rule
from crm.errors import Conflict, invalid
from crm.models.reminder import Channel
from crm.models.task import Task, TaskStatus
from crm.schemas import Input
from crm.services import links, records, reminders

MOST_REMINDERS = 20
_CLOSED = (TaskStatus.COMPLETED, TaskStatus.CANCELLED)


class ReminderInput(Input):
    """One reminder sent along with a task."""

    remind_at: Annotated[AwareDatetime, Field(alias="remindAt", description="When.")]
    channel: Annotated[Channel, Field(description="How: email, app or both.")] = Channel.BOTH


@rule(Task)
def check(session: Session, task: Task, changed: frozenset[str]) -> None:
    """Progress, status and the moment of completion agree; a closed task reminds nobody."""
    links.check(session, task)
    if not 0 <= (task.progress or 0) <= 100:
        raise invalid("progress", "must be a number from 0 to 100")
    if "parent_id" in changed:
        _check_parent(session, task)
    _settle(task, changed)
    if not records.is_new(task):
        _carry_reminders(session, task)


@operation(Task, icon="check", tone="good", when=lambda task: task.status not in _CLOSED)
def complete(session: Session, task: Task) -> None:
    """Mark the task as done."""
    if task.status is TaskStatus.COMPLETED:
        raise Conflict("The task is completed already")
    _set_status(session, task, TaskStatus.COMPLETED)


@operation(Task, icon="rotate", when=lambda task: task.status in _CLOSED)
def reopen(session: Session, task: Task) -> None:
    """Take up the task again."""
    if task.status not in _CLOSED:
        raise Conflict("The task is open already")
    _set_status(session, task, TaskStatus.IN_PROGRESS)


@extra(Task, "reminders", list[ReminderInput], "When to remind the assignee, and how; replaces those still waiting.")
def set_reminders(session: Session, task: Task, wanted: Sequence[ReminderInput] | None) -> None:
    """Exactly these reminders wait for the task from now on; those that were told stay told."""
    if wanted is None:
        return
    user_id = task.assignee_id or actor_of(session).user_id
    if user_id is None:
        raise invalid("reminders", "need an assignee")
    if len(wanted) > MOST_REMINDERS:
        raise invalid("reminders", "must have at most %(max_length)s entries", max_length=MOST_REMINDERS)
    kept = [
        reminders.add(session, task, user_id=user_id, remind_at=one.remind_at, channel=one.channel, subject=task.title)
        for one in wanted
    ]
    for old in reminders.waiting_for(session, task):
        if old not in kept:
            reminders.cancel(session, old)


def _set_status(session: Session, task: Task, status: TaskStatus) -> None:
    task.status = status
    check(session, task, frozenset({"status"}))
    records.flush(session, Task)


def _settle(task: Task, changed: frozenset[str]) -> None:
    if task.status is TaskStatus.COMPLETED:
        task.progress = 100
        task.completed_at = task.completed_at or now()
    elif task.completed_at is not None:
        task.completed_at = None
        if "progress" not in changed:
            task.progress = 0


def _carry_reminders(session: Session, task: Task) -> None:
    """They follow the task: to a new assignee, to a new title, and into the grave."""
    history = inspect(task).attrs
    moved, renamed = history.assignee_id.history, history.title.history
    closed = history.status.history.has_changes() and task.status in _CLOSED
    if not (closed or moved.has_changes() or renamed.has_changes()):
        return
    before = moved.deleted[0] if moved.deleted else None
    for reminder in reminders.waiting_for(session, task):
        if closed:
            reminders.cancel(session, reminder)
        elif task.assignee_id is not None and moved.has_changes() and reminder.user_id == before:
            reminders.hand_over(session, reminder, task.assignee_id)
        if renamed.has_changes() and reminder.subject == (renamed.deleted or [""])[0]:
            reminder.subject = task.title


def _check_parent(session: Session, task: Task) -> None:
    """Raises BadInput if the task would become a part of itself."""
    above = task.parent_id
    while above is not None:
        if above == task.id:
            raise invalid("parentId", "must not be the task itself or a part of it")
        above = session.scalar(select(Task.parent_id).where(Task.id == above), execution_options={"unscoped": True})
