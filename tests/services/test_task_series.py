"""Tasks that come again: the next one is made when the one before it is closed, exactly once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import system
from crm.db import CrmSession, Database
from crm.errors import BadInput, Conflict, CrmError
from crm.models import Task, TaskSeries
from crm.models.task import TaskStatus
from crm.models.task_series import Recurrence
from crm.schemas import parse
from crm.services import records, reminders, task_series, tasks
from tests import factories

#: a Monday, nine in the morning in Berlin
NOW = datetime(2026, 10, 5, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as travelled:
        yield travelled


def berliner(session: CrmSession) -> int:
    user = factories.user(session)
    user.timezone = "Europe/Berlin"
    session.flush()
    return user.id


def recurring(session: CrmSession, rrule: str = "FREQ=WEEKLY", mode: str = "after_due", **values: Any) -> Task:
    given = {"title": "Call", "assigneeId": berliner(session), "recurrence": {"rrule": rrule, "mode": mode}}
    if not {"dueAt", "dueDate"} & values.keys():
        given["dueDate"] = "2026-10-05"
    made: Task = records.create(session, Task, parse(Task, "create", given | values, by="json"))
    return made


def series_of(session: CrmSession, task: Task) -> TaskSeries:
    return session.get_one(TaskSeries, task.series_id)


def all_of(session: CrmSession, series_id: int | None) -> list[Task]:
    rows = session.scalars(select(Task).where(Task.series_id == series_id))
    return sorted(rows, key=lambda task: int(task.occurrence or 0))


def last(session: CrmSession, task: Task) -> Task:
    return all_of(session, task.series_id)[-1]


def test_closing_a_task_makes_the_next_one(database: Database) -> None:
    with database.transaction(system("test")) as session:
        steps = [{"text": "Dial", "done": True}]
        first = recurring(session, description="Ask for news", priority="high", checklist=steps)
        tasks.complete(session, first)
        second = last(session, first)
        assert (first.occurrence, second.occurrence, second.status) == ("1", "2", TaskStatus.NOT_STARTED)
        assert (second.title, second.priority, second.assignee_id) == ("Call", "high", first.assignee_id)
        assert second.due_date == date(2026, 10, 12)
        assert second.checklist == [{"text": "Dial", "done": False}]
        tasks.cancel(session, second)
        assert last(session, first).due_date == date(2026, 10, 19)


def test_a_task_that_is_closed_again_leads_to_no_other(database: Database, clock: time_machine.Traveller) -> None:
    for mode in ("after_due", "after_completion"):
        with database.transaction(system("test")) as session:
            first = recurring(session, mode=mode)
            tasks.complete(session, first)
            tasks.reopen(session, first)
            clock.shift(timedelta(days=30))
            tasks.complete(session, first)
            tasks.reopen(session, first)
            tasks.cancel(session, first)
            assert len(all_of(session, first.series_id)) == 2
        clock.move_to(NOW)


def test_two_who_close_it_at_once_make_one_next_task(database: Database) -> None:
    with database.transaction(system("test")) as session:
        number = recurring(session).id
    start = threading.Barrier(2)

    def close(_: int) -> str:
        start.wait()
        try:
            with database.transaction(system("test")) as session:
                tasks.complete(session, session.get_one(Task, number))
        except CrmError as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(close, range(2)))
    assert answers[1] == "done"
    assert answers[0] in ("Conflict", "StaleVersion")
    with database.read_only(system("test")) as session:
        assert len(all_of(session, session.get_one(Task, number).series_id)) == 2


def test_the_next_one_is_never_past_when_a_task_is_done_late(database: Database, clock: time_machine.Traveller) -> None:
    with database.transaction(system("test")) as session:
        first, second = recurring(session), recurring(session)
        clock.move_to(datetime(2026, 10, 26, 22, 30, tzinfo=UTC))  # Monday in Berlin still
        tasks.complete(session, first)
        assert last(session, first).due_date == date(2026, 10, 26)
        clock.shift(timedelta(hours=1))
        tasks.complete(session, second)
        assert last(session, second).due_date == date(2026, 11, 2)


def test_after_completion_is_reckoned_from_that_day(database: Database, clock: time_machine.Traveller) -> None:
    with database.transaction(system("test")) as session:
        first = recurring(session, "FREQ=DAILY;INTERVAL=10", "after_completion")
        clock.move_to(datetime(2026, 10, 20, 22, 30, tzinfo=UTC))  # the 21st in Berlin
        tasks.complete(session, first)
        assert last(session, first).due_date == date(2026, 10, 31)


def test_a_wall_clock_time_stays_when_the_clocks_change(database: Database, clock: time_machine.Traveller) -> None:
    with database.transaction(system("test")) as session:
        first = recurring(session, dueAt="2026-10-19T07:00:00Z")  # nine in Berlin
        tasks.complete(session, first)
        assert last(session, first).due_at == datetime(2026, 10, 26, 8, tzinfo=UTC)


@pytest.mark.parametrize("mode", list(Recurrence))
def test_a_series_ends_where_its_rule_does(database: Database, mode: str) -> None:
    with database.transaction(system("test")) as session:
        first = recurring(session, "FREQ=DAILY;COUNT=2", mode)
        tasks.complete(session, first)
        tasks.complete(session, last(session, first))
        assert len(all_of(session, first.series_id)) == 2
        assert series_of(session, first).active is False


def test_a_series_that_was_ended_or_deleted_goes_on_no_more(database: Database) -> None:
    with database.transaction(system("test")) as session:
        first, other = recurring(session), recurring(session)
        records.update(session, first, parse(Task, "update", {"recurrence": {"rrule": ""}}, by="json"))
        records.delete(session, series_of(session, other))
        for task in (first, other):
            tasks.complete(session, task)
            assert len(all_of(session, task.series_id)) == 1


def test_a_series_begins_with_its_first_task(database: Database) -> None:
    with database.transaction(system("test")) as session:
        given = {"title": "Report", "rrule": "FREQ=WEEKLY;BYDAY=FR", "starts_at": NOW, "all_day": True}
        series = records.create(session, TaskSeries, {**given, "assignee_id": berliner(session)})
        (task,) = all_of(session, series.id)
        assert (task.title, task.due_date, task.occurrence) == ("Report", date(2026, 10, 9), "1")
        assert task_series.upcoming(session, series, 3) == [date(2026, 10, day) for day in (16, 23, 30)]


def test_a_change_of_a_series_holds_for_tasks_made_later(database: Database) -> None:
    with database.transaction(system("test")) as session:
        first = recurring(session)
        records.update(session, series_of(session, first), {"title": "Visit", "rrule": "FREQ=DAILY"})
        assert (first.title, first.due_date) == ("Call", date(2026, 10, 5))
        tasks.complete(session, first)
        assert (last(session, first).title, last(session, first).due_date) == ("Visit", date(2026, 10, 6))


def test_a_series_without_open_task_is_taken_up_again(database: Database) -> None:
    with database.transaction(system("test")) as session:
        first = recurring(session)
        series = series_of(session, first)
        with pytest.raises(Conflict, match="open already"):
            task_series.make_next(session, series)
        records.delete(session, first)
        task_series.make_next(session, series)
        (task,) = all_of(session, series.id)
        assert (task.occurrence, task.due_date) == ("2", date(2026, 10, 12))
        records.update(session, series, {"active": False})
        tasks.complete(session, task)
        records.update(session, series, {"active": True})
        assert last(session, task).due_date == date(2026, 10, 19)


@pytest.mark.parametrize(
    ("rrule", "more", "sentence"),
    [
        ("FREQ=WEEKLY", {"dueDate": None}, "needs a due date"),
        ("FREQ=WEEKLY;BYDAY=TU", {}, "the first it gives is 2026-10-06"),
        ("FREQ=MINUTELY", {}, "daily, weekly"),
    ],
)
def test_a_recurrence_that_makes_no_sense_is_refused(
    database: Database, rrule: str, more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence), database.transaction(system("test")) as session:
        recurring(session, rrule, **more)


@pytest.mark.parametrize("order", [("reminders", "recurrence"), ("recurrence", "reminders")])
def test_reminders_before_the_due_date_come_again_too(database: Database, order: tuple[str, str]) -> None:
    with database.transaction(system("test")) as session:
        made = records.create(
            session, Task, {"title": "Call", "assignee_id": berliner(session), "due_date": date(2026, 10, 12)}
        )
        sent = {"reminders": [{"offsetMinutes": 60}], "recurrence": {"rrule": "FREQ=WEEKLY"}}
        for name in order:
            records.update(session, made, parse(Task, "update", {name: sent[name]}, by="json"))
        tasks.complete(session, made)
        (reminder,) = reminders.waiting_for(session, last(session, made))
        assert reminder.remind_at == datetime(2026, 10, 19, 6, tzinfo=UTC)  # an hour before nine in Berlin
