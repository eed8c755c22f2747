"""When the tasks of a series are due: wall-clock times, without a zone, of the place the series goes by."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from crm import zones
from crm.columns import now
from crm.errors import invalid
from crm.models.task import Task
from crm.models.task_series import Recurrence, TaskSeries
from crm.services import recurrence, users


def first(session: Session, series: TaskSeries) -> datetime:
    place = place_of(session, series)
    first = next(recurrence.parse(series.rrule).dates(begin_of(series, place), place), None)
    if first is None:
        raise invalid("rrule", "gives no day at all")
    return first


def following(session: Session, series: TaskSeries, task: Task, number: int) -> datetime | None:
    """Local wall-clock time: after the due date of the task, or after this moment; never one that is past."""
    place, rule = place_of(session, series), recurrence.parse(series.rrule)
    here = now().astimezone(place).replace(tzinfo=None)
    begin = begin_of(series, place)
    if series.recurrence is Recurrence.AFTER_COMPLETION:
        if rule.count is not None and number > rule.count:
            return None
        today = datetime.combine(here.date(), begin.time())
        return next(rule.dates(today, place, after=today, counted=False), None)
    last = local_due(task, place) if task.due_at is not None or task.due_date is not None else here
    earliest = datetime.combine(here.date(), time()) if series.all_day else here
    return next((one for one in rule.dates(begin, place, after=last) if one >= earliest), None)


def begin_of(series: TaskSeries, place: ZoneInfo) -> datetime:
    local = series.starts_at.astimezone(place).replace(tzinfo=None)
    return datetime.combine(local.date(), time()) if series.all_day else local


def place_of(session: Session, series: TaskSeries) -> ZoneInfo:
    return zones.zone(series.timezone) if series.timezone else users.zone_of(session, series.assignee_id)


def local_due(task: Task, place: ZoneInfo) -> datetime:
    """When the task is due on the wall; an all-day one as its day begins."""
    if task.due_at is not None:
        return task.due_at.astimezone(place).replace(tzinfo=None)
    assert task.due_date is not None
    return datetime.combine(task.due_date, time())
