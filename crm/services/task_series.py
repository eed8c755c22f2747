"""Series: tasks that come again.  The next one is made when the one before it is closed, exactly once.

The tasks of a series are numbered (`occurrence`), and a number is unique within it: whoever closes a task again, or at
the same time as somebody else, finds the next one made.  A change of a series holds for the tasks that are made later;
those that are there stay as they are.  A task that is deleted, instead of closed, does not lead to another.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Integer, cast, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm import access, zones
from crm.entity import extra, operation, rule
from crm.errors import Conflict, invalid
from crm.models.task import OPEN, Task
from crm.models.task_series import Recurrence, TaskSeries
from crm.schemas import Input
from crm.services import checklists, links, records, recurrence, series_dates, task_reminders, users

MOST_OFFSETS = 10
_ANY: dict[str, Any] = {"unscoped": True}
_COPIED = ("title", "description", "kind", "priority", "assignee_id", "team_id", "record_type", "record_id")


class RecurrenceInput(Input):
    """How a task comes again."""

    rrule: Annotated[str, Field(max_length=500, description="RFC 5545: FREQ=WEEKLY;BYDAY=MO. Empty: no more.")]
    mode: Annotated[Recurrence, Field(description="Reckoned from the due date, or from completion.")] = (
        Recurrence.AFTER_DUE
    )


# ---------------------------------------------------------------------------------------------- the series itself


@rule(TaskSeries)
def check(session: Session, series: TaskSeries, changed: frozenset[str]) -> None:
    """The rule can be read and gives a day; an active series has an open task, the first one as soon as it is made."""
    links.check(session, series)
    checklists.check(series)
    _check_offsets(series)
    if "rrule" in changed or records.is_new(series):
        series.rrule = recurrence.parse(series.rrule).text
    begins = records.is_new(series) or inspect(series).attrs.active.history.has_changes()
    if series.active is not False and begins:
        records.flush(session, TaskSeries, new=series if records.is_new(series) else None)
        _begin(session, series)


@operation(TaskSeries, icon="player-track-next", when=lambda series: series.active)
def make_next(session: Session, series: TaskSeries) -> None:
    """Make the next task now, if none is open."""
    if not series.active:
        raise Conflict("The series has ended")
    if _open_task(session, series) is not None:
        raise Conflict("A task of the series is open already")
    if _begin(session, series) is None:
        raise Conflict("The rule gives no further task")


def _begin(session: Session, series: TaskSeries) -> Task | None:
    """The first task, or the one after the last; None where one is open, or the rule gives no more."""
    last = _last(session, series)
    if last is None:
        return _make(session, series, 1, series_dates.first(session, series))
    if _open_task(session, series) is not None:
        return None
    return _after(session, series, last)


def _check_offsets(series: TaskSeries) -> None:
    minutes = series.reminder_offsets or []
    sound = all(type(m) is int and 0 <= m <= task_reminders.LONGEST_MINUTES for m in minutes)
    if not sound or len(minutes) > MOST_OFFSETS:
        raise invalid("reminderOffsets", "must be at most %(most)s numbers of minutes", most=MOST_OFFSETS)


# ---------------------------------------------------------------------------------------------- on the task


@extra(Task, "recurrence", RecurrenceInput, "How the task comes again; makes it the first of a series.")
def set_recurrence(session: Session, task: Task, wanted: RecurrenceInput | None) -> None:
    """A task becomes the first of a new series; for one of a series, the rule of the series is changed, or ended."""
    if wanted is None:
        return
    if task.series_id is not None:
        series = access.find(session, TaskSeries, task.series_id)
        rule_now = {"rrule": wanted.rrule, "recurrence": wanted.mode, "active": True} if wanted.rrule else {}
        records.update(session, series, rule_now or {"active": False})
    elif wanted.rrule:
        _found(session, task, wanted)


def follow(session: Session, task: Task) -> None:
    """The task is being closed: make the next one of its series, unless it is made already or the series has ended."""
    series = task.series_id and session.get(TaskSeries, task.series_id, execution_options=_ANY)
    if series and series.active and series.deleted_at is None:
        records.flush(session, Task)
        _after(session, series, task)


def _found(session: Session, task: Task, wanted: RecurrenceInput) -> None:
    """A series that begins with this task; it is made idle, or it would begin with a task of its own."""
    if task.due_at is None and task.due_date is None:
        raise invalid("recurrence", "needs a due date")
    place = users.zone_of(session, task.assignee_id)
    begin = series_dates.local_due(task, place)
    rule = recurrence.parse(wanted.rrule)
    first = next(rule.dates(begin, place), None)
    if first is None or (wanted.mode is Recurrence.AFTER_DUE and first != begin):
        fits = first.date().isoformat() if first else "–"
        raise invalid("recurrence", "does not give the day the task is due; the first it gives is %(day)s", day=fits)
    values = {name: getattr(task, name) for name in _COPIED}
    made = {
        "rrule": rule.text,
        "recurrence": wanted.mode,
        "starts_at": zones.at_local(begin.date(), begin.time(), place),
        "all_day": task.due_date is not None,
        "checklist": checklists.undone(task.checklist or []),
        "reminder_offsets": task_reminders.offsets(session, task),
        "active": False,
    }
    series = records.create(session, TaskSeries, values | made)
    task.series_id, task.occurrence, series.active = series.id, "1", True
    session.flush()


# ---------------------------------------------------------------------------------------------- the next one


def upcoming(session: Session, series: TaskSeries, count: int = 5) -> list[date | datetime]:
    """When the next tasks will be due, as far as one can know: each done in time."""
    place, rule = series_dates.place_of(session, series), recurrence.parse(series.rrule)
    last = _last(session, series)
    after = series_dates.local_due(last, place) if last is not None else None
    begin = series_dates.begin_of(series, place)
    dates = rule.dates(begin, place, after=after, counted=series.recurrence is Recurrence.AFTER_DUE)
    found: list[date | datetime] = []
    for local in dates:
        found.append(local.date() if series.all_day else zones.at_local(local.date(), local.time(), place))
        if len(found) == count or not series.active:
            break
    return found if series.active else []


def _after(session: Session, series: TaskSeries, task: Task) -> Task | None:
    """The task after this one, whoever made it; the series ends where its rule does."""
    number = int(task.occurrence or "0") + 1
    made = _numbered(session, series, number)
    if made is not None:
        return made
    due = series_dates.following(session, series, task, number)
    if due is None:
        series.active = False
        records.flush(session, TaskSeries)
        return None
    return _make(session, series, number, due)


def _make(session: Session, series: TaskSeries, number: int, due: datetime) -> Task:
    """The task of that number.  Whoever closes a task need not have the right to make one."""
    values = {name: getattr(series, name) for name in _COPIED}
    made = Task(**values, checklist=checklists.undone(series.checklist or []), series_id=series.id)
    made.occurrence = str(number)
    if series.all_day:
        made.due_date = due.date()
    else:
        made.due_at = zones.at_local(due.date(), due.time(), series_dates.place_of(session, series))
    try:
        with session.begin_nested():
            session.add(made)
            session.flush()
    except IntegrityError:  # somebody else made it between the look and the insert
        found = _numbered(session, series, number)
        if found is None:
            raise
        return found
    for minutes in series.reminder_offsets or []:
        if made.assignee_id is not None:
            task_reminders.add_offset(session, made, minutes)
    return made


def _numbered(session: Session, series: TaskSeries, number: int) -> Task | None:
    wanted = select(Task).where(Task.series_id == series.id, Task.occurrence == str(number))
    found: Task | None = session.scalar(wanted, execution_options=_ANY)
    return found


def _last(session: Session, series: TaskSeries) -> Task | None:
    wanted = select(Task).where(Task.series_id == series.id).order_by(cast(Task.occurrence, Integer).desc()).limit(1)
    found: Task | None = session.scalar(wanted, execution_options=_ANY)
    return found


def _open_task(session: Session, series: TaskSeries) -> int | None:
    wanted = select(Task.id).where(Task.series_id == series.id, Task.status.in_(OPEN), Task.deleted_at.is_(None))
    found: int | None = session.scalar(wanted.limit(1), execution_options=_ANY)
    return found
