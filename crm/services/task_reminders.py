"""The reminders of a task: sent along with it, at moments of their own or so long before it is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from crm import access, zones
from crm.db import actor_of
from crm.entity import extra, permission
from crm.errors import invalid
from crm.exact import Moment, Whole
from crm.models.reminder import Channel, Reminder, ReminderKind, ReminderState
from crm.models.task import CLOSED, Task
from crm.schemas import Input
from crm.services import reminders, users

MOST_REMINDERS = 20
LONGEST_MINUTES = 60 * 24 * 60
#: reminders of a task that is due on a day, without an hour, are reckoned from here, in the assignee's zone
MORNING = time(9)
#: changes of a task that its reminders follow
_FOLLOWED = ("status", "assignee_id", "title", "due_at", "due_date")


class ReminderInput(Input):
    """One reminder sent along with a task: at a moment, or so many minutes before it is due."""

    remind_at: Annotated[Moment | None, Field(alias="remindAt", description="When.")] = None
    offset_minutes: Annotated[
        Whole | None,
        Field(
            alias="offsetMinutes",
            ge=0,
            le=LONGEST_MINUTES,
            description="Minutes before it is due, or before 09:00 of an all-day task; moves with the due date.",
        ),
    ] = None
    channel: Annotated[Channel, Field(description="How: email, app or both.")] = Channel.BOTH

    @model_validator(mode="after")
    def _has_a_moment(self) -> Self:
        if (self.remind_at is None) == (self.offset_minutes is None):
            raise PydanticCustomError("reminder_moment", "needs either remindAt or offsetMinutes")
        return self


@extra(Task, "reminders", list[ReminderInput], "When to remind the assignee, and how; replaces those still waiting.")
def set_reminders(session: Session, task: Task, wanted: Sequence[ReminderInput] | None) -> None:
    """Exactly these reminders wait for the task from now on; those that were told stay told.

    Tasks of a series that are made later have the same, as far as they are reckoned from the due date.
    """
    if wanted is None:
        return
    if len(wanted) > MOST_REMINDERS:
        raise invalid("reminders", "must have at most %(max_length)s entries", max_length=MOST_REMINDERS)
    if wanted:
        access.require(actor_of(session), permission(Reminder, "create"))
    kept = [_add(session, task, one) for one in wanted]
    held = (*_pending(session, task), *reminders.offsets_of(session, task))
    for old in {*held} - {*kept}:
        reminders.release(session, old)
    session.flush()
    if task.series is not None:
        task.series.reminder_offsets = offsets(session, task)
        session.flush()


def add_offset(session: Session, task: Task, minutes: int, *, channel: Channel = Channel.BOTH) -> Reminder:
    """Remind the assignee `minutes` before the task is due; BadInput without a due date or an assignee."""
    due = due_moment(session, task)
    if due is None:
        raise invalid("reminders", "need a due date, or moments of their own")
    moment = due - timedelta(minutes=minutes)
    return _made(session, task, moment, channel, kind=ReminderKind.TASK, offset_minutes=minutes)


def offsets(session: Session, task: Task) -> list[int]:
    """Minutes before the due date, longest first."""
    found = reminders.offsets_of(session, task)
    return sorted({r.offset_minutes for r in found if r.offset_minutes is not None}, reverse=True)


def due_moment(session: Session, task: Task) -> datetime | None:
    """From when on reminders are reckoned back; None for a task that is not due at all."""
    if task.due_date is not None:
        return zones.at_local(task.due_date, MORNING, users.zone_of(session, task.assignee_id))
    return task.due_at


def carry(session: Session, task: Task) -> None:
    """They follow a task that is changed: to a new assignee, title or due date, into the grave and out again."""
    attributes = inspect(task).attrs  # looked at before anything is flushed
    changed = {name for name in _FOLLOWED if attributes[name].history.has_changes()}
    before = {name: (attributes[name].history.deleted or [None])[0] for name in changed}
    if "status" in changed and task.status in CLOSED:
        for reminder in reminders.waiting_for(session, task):
            reminders.cancel(session, reminder)
        return
    if "assignee_id" in changed:
        _hand_over(session, task, before["assignee_id"])
    if before.get("status") in CLOSED:
        _revive(session, task)
    if "title" in changed:
        for reminder in _pending(session, task):
            if reminder.subject == before["title"]:
                reminder.subject = task.title
    if changed & {"due_at", "due_date", "assignee_id"}:
        _move(session, task)


def _hand_over(session: Session, task: Task, before: int | None) -> None:
    if task.assignee_id is not None:
        for reminder in _pending(session, task):
            if reminder.user_id == before:
                reminders.hand_over(session, reminder, task.assignee_id)


def _pending(session: Session, task: Task) -> list[Reminder]:
    """Those that wait, and those that would if a closed task were taken up again."""
    return [*reminders.waiting_for(session, task), *reminders.cancelled_for(session, task)]


def _revive(session: Session, task: Task) -> None:
    """What was cancelled when the task was closed; reckoned from the due date as it is now, unless it was put off."""
    due = due_moment(session, task)
    for reminder in reminders.cancelled_for(session, task):
        if reminder.offset_minutes is None or reminder.snoozes:
            reminders.revive(session, reminder, reminder.remind_at)
        elif due is not None:
            reminders.revive(session, reminder, due - timedelta(minutes=reminder.offset_minutes))


def _move(session: Session, task: Task) -> None:
    """Those before the due date move with it; one that was told is told again if its new moment is still to come."""
    due = due_moment(session, task)
    for reminder in reminders.offsets_of(session, task):
        assert reminder.offset_minutes is not None
        if due is not None:
            reminders.move(session, reminder, due - timedelta(minutes=reminder.offset_minutes))
        elif reminder.state is ReminderState.WAITING:
            reminders.release(session, reminder)


def _add(session: Session, task: Task, wanted: ReminderInput) -> Reminder:
    if wanted.offset_minutes is not None:
        return add_offset(session, task, wanted.offset_minutes, channel=wanted.channel)
    assert wanted.remind_at is not None
    return _made(session, task, wanted.remind_at, wanted.channel)


def _made(session: Session, task: Task, moment: datetime, channel: Channel, **more: Any) -> Reminder:
    user_id = task.assignee_id or actor_of(session).user_id
    if user_id is None:
        raise invalid("reminders", "need an assignee")
    return reminders.add(session, task, user_id=user_id, remind_at=moment, channel=channel, subject=task.title, **more)
