"""Reminders of all-day tasks follow their user to another time zone."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from crm import zones
from crm.entity import name_of, rule
from crm.models.reminder import Reminder, ReminderState
from crm.models.task import Task
from crm.models.user import User
from crm.services import records
from crm.services.task_reminders import MORNING

_UNSCOPED = {"unscoped": True}


@rule(User)
def mornings_move_along(session: Session, user: User, changed: frozenset[str]) -> None:
    """What is still to be told is reckoned from the morning of the new zone: told at once if that is past, never twice.

    What was told already stays told.
    """
    if records.is_new(user) or "timezone" not in changed:
        return
    task = and_(Reminder.record_type == name_of(Task), Reminder.record_id == Task.id, Task.due_date.is_not(None))
    waiting = (Reminder.user_id == user.id, Reminder.state == ReminderState.WAITING)
    wanted = select(Reminder, Task.due_date).join(Task, task)
    wanted = wanted.where(*waiting, Reminder.offset_minutes.is_not(None), Task.assignee_id == user.id)
    for reminder, day in session.execute(wanted, execution_options=_UNSCOPED):
        assert day is not None  # the select says so
        begins = zones.at_local(day, MORNING, zones.zone(user.timezone))
        reminder.remind_at = begins - timedelta(minutes=reminder.offset_minutes or 0)
