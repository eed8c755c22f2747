"""Tasks and series in the panel: what their forms ask for beyond their columns, and what their pages show."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from crm import access, formats
from crm.admin import forms, paths, task_inputs, task_words
from crm.admin.marks import tone
from crm.admin.record_parts import Made, record_part
from crm.admin.verb_options import LOOKS, Look
from crm.db import actor_of
from crm.entity import permission
from crm.fields import Field, Kind
from crm.i18n import gettext, lazy
from crm.models.reminder import Reminder, ReminderState
from crm.models.task import Task
from crm.models.task_series import Recurrence, TaskSeries
from crm.names import words
from crm.services import recurrence_words, reminders, series_dates, task_series

_WHEN = lazy("When to remind the assignee; an all-day task counts from 09:00.")
_HOW = lazy("The next task is made when this one is closed.")


def _reminders(task: Task) -> list[dict[str, Any]]:
    """Those that wait, and those that would wait again if the task were due later."""
    session: Any = object_session(task)
    found = {*reminders.waiting_for(session, task), *reminders.offsets_of(session, task)}
    return sorted((_held(one) for one in found), key=json.dumps)


def _recurrence(task: Task) -> dict[str, str]:
    """The rule of its series, if that goes on."""
    session: Any = object_session(task)
    series = session.get(TaskSeries, task.series_id) if task.series_id is not None else None
    if series is None or not series.active:
        return {"rrule": "", "mode": str(Recurrence.AFTER_DUE)}
    return {"rrule": series.rrule, "mode": str(series.recurrence)}


def _held(reminder: Reminder) -> dict[str, Any]:
    if reminder.offset_minutes is not None:
        return {"offset_minutes": reminder.offset_minutes, "channel": str(reminder.channel)}
    return {"remind_at": reminder.remind_at.isoformat(), "channel": str(reminder.channel)}


def _extra(name: str, doc: str) -> Field:
    return Field(name=name, json=name, kind=Kind.DOCUMENT, doc=doc, nullable=False, required=False)


forms.EXTRAS["task"] = ((_extra("reminders", _WHEN), _reminders), (_extra("recurrence", _HOW), _recurrence))
LOOKS |= {(entity, "snooze", "minutes"): Look(hidden=True) for entity in ("reminder", "notification")}
_INPUTS = task_inputs  # imported for the inputs it declares


# ---------------------------------------------------------------------------------------------- on the page of a task


@record_part(Task, "crm/task_late.html")
def late(_session: Session, task: Task) -> Made:
    """{late}: since when."""
    if not task.overdue:
        return None
    when = formats.moment(task.due_at) if task.due_at is not None else formats.day(task.due_date or formats.today())
    return {"late": gettext("It was due: %(moment)s", moment=when), "draws": ("overdue",)}


@record_part(Task, "crm/checklist.html")
def checklist(session: Session, task: Task) -> Made:
    """{steps: [{text, done, number}], done, url}; without `url` they cannot be ticked off."""
    if not task.checklist:
        return None
    may = task.deleted_at is None and access.allows(session, task, "tick")
    return {
        "steps": _steps(task.checklist),
        "done": sum(bool(step["done"]) for step in task.checklist),
        "url": paths.to("task", "do", task.id, "tick") if may else "",
        "draws": ("checklist",),
    }


def _steps(steps: list[Any]) -> list[dict[str, Any]]:
    return [{"text": step["text"], "done": step["done"], "number": n} for n, step in enumerate(steps)]


@record_part(Task, "crm/task_plan.html", place="side")
def plan(session: Session, task: Task) -> Made:
    """{reminders: [{when, told, state, url}], rule, series_url}: when it reminds, and how it comes again."""
    found = _told_of(session, task)
    series = session.get(TaskSeries, task.series_id) if task.series_id is not None else None
    if not found and series is None:
        return None
    rule = {"rule": _in_words(session, series), "series_url": paths.details_of(TaskSeries, series.id)} if series else {}
    return {"reminders": found, "draws": ("occurrence",), **rule}


def _told_of(session: Session, task: Task) -> list[dict[str, Any]]:
    """Those the reader may see and that were not cancelled, by moment."""
    if not actor_of(session).may(permission(Reminder, "view")):
        return []
    mine = select(Reminder).where(Reminder.record_type == "task", Reminder.record_id == task.id)
    live = mine.where(Reminder.state != ReminderState.CANCELLED).order_by(Reminder.remind_at, Reminder.id)
    return [
        {
            "when": formats.moment(one.remind_at),
            "told": task_words.before(one.offset_minutes) if one.offset_minutes is not None else "",
            "state": gettext(words(str(one.state))),
            "tone": tone(one.state),
            "url": paths.details_of(Reminder, one.id),
        }
        for one in session.scalars(live)
    ]


# ---------------------------------------------------------------------------------------------- on the page of a series


@record_part(TaskSeries, "crm/series_plan.html")
def coming(session: Session, series: TaskSeries) -> Made:
    """{rule, dates, reminders, steps}: the rule in words, the next five dates, what each task brings along."""
    return {
        "rule": _in_words(session, series),
        "mode": gettext(words(str(series.recurrence))),
        "dates": [_day(one) for one in task_series.upcoming(session, series)],
        "reminders": [task_words.before(minutes) for minutes in series.reminder_offsets or []],
        "steps": [step["text"] for step in series.checklist or []],
        "draws": ("rrule", "checklist", "reminder_offsets"),
    }


def _in_words(session: Session, series: TaskSeries) -> str:
    return recurrence_words.told(series.rrule, series_dates.begin_of(series, series_dates.place_of(session, series)))


def _day(when: date | datetime) -> str:
    """With its weekday."""
    if isinstance(when, datetime):
        return f"{formats.long_day(when.astimezone(formats.zone()).date())}, {formats.clock(when)}"
    return formats.long_day(when)
