"""Tasks: status, progress and completion agree, and their reminders follow them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from crm import access
from crm.actor import system
from crm.columns import now
from crm.db import CrmSession, Database
from crm.errors import BadInput, Conflict, CrmError
from crm.models import AuditEntry, Reminder, Task
from crm.models.reminder import ReminderState
from crm.models.task import TaskStatus
from crm.schemas import parse
from crm.services import records, reminders, snoozes, tasks
from tests import factories

SOON = now().replace(microsecond=0) + timedelta(days=1)


def task(session: CrmSession, **values: Any) -> Task:
    values.setdefault("assignee_id", factories.user(session).id)
    made: Task = records.create(session, Task, {"title": "Call", **values})
    return made


def at(*moments: datetime, channel: str = "both") -> dict[str, Any]:
    """What a client sends to set these reminders, parsed."""
    sent = [{"remindAt": moment.isoformat(), "channel": channel} for moment in moments]
    return parse(Task, "update", {"reminders": sent}, by="json")


def waiting(session: CrmSession, record: Task) -> list[datetime]:
    return [reminder.remind_at for reminder in reminders.waiting_for(session, record)]


def test_a_completed_task_is_done_to_the_full_and_knows_when(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, progress=30)
        records.update(session, made, {"status": TaskStatus.COMPLETED})
        assert made.progress == 100
        assert made.completed_at is not None


def test_complete_and_reopen(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session)
        tasks.complete(session, made)
        assert (made.status, made.progress) == (TaskStatus.COMPLETED, 100)
        with pytest.raises(Conflict):
            tasks.complete(session, made)
        tasks.reopen(session, made)
        assert (made.status, made.progress, made.completed_at) == (TaskStatus.IN_PROGRESS, 0, None)
        with pytest.raises(Conflict):
            tasks.reopen(session, made)


@pytest.mark.parametrize("progress", [-1, 101])
def test_progress_is_a_percentage(database: Database, progress: int) -> None:
    with pytest.raises(BadInput, match="from 0 to 100"), database.transaction(system("test")) as session:
        task(session, progress=progress)


def test_a_task_is_no_part_of_itself(database: Database) -> None:
    with database.transaction(system("test")) as session:
        top = task(session)
        part = task(session, parent_id=top.id)
        with pytest.raises(BadInput):
            records.update(session, top, {"parent_id": part.id})


def test_reminders_are_sent_along_with_the_task(database: Database) -> None:
    with database.transaction(system("test")) as session:
        body = {"title": "Call", "assigneeId": factories.user(session).id}
        sent = {**body, "reminders": [{"remindAt": SOON.isoformat(), "channel": "email"}]}
        made = records.create(session, Task, parse(Task, "create", sent, by="json"))
        (reminder,) = reminders.waiting_for(session, made)
        assert (reminder.remind_at, reminder.channel, reminder.user_id) == (SOON, "email", made.assignee_id)


def test_reminders_that_are_sent_replace_those_that_wait(database: Database) -> None:
    later, latest = SOON + timedelta(hours=1), SOON + timedelta(hours=2)
    with database.transaction(system("test")) as session:
        made = task(session)
        records.update(session, made, at(SOON, later))
        records.update(session, made, at(later, latest))
        assert waiting(session, made) == [later, latest]
        records.update(session, made, {"title": "Call again"})
        assert waiting(session, made) == [later, latest]
        records.update(session, made, at(SOON))  # the one that was cancelled waits again
        assert waiting(session, made) == [SOON]
        records.update(session, made, at())
        assert waiting(session, made) == []


@pytest.mark.parametrize(
    "wrong", [[{"channel": "email"}], [{"remindAt": "tomorrow"}], [{"remindAt": "2026-11-30T09:00:00"}], "soon"]
)
def test_wrong_reminders_are_refused(wrong: Any) -> None:
    with pytest.raises(BadInput) as refused:
        parse(Task, "update", {"reminders": wrong}, by="json")
    assert refused.value.errors[0].field.startswith("reminders")


def test_a_closed_task_reminds_nobody(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session)
        records.update(session, made, at(SOON))
        tasks.complete(session, made)
        assert waiting(session, made) == []
        states = session.scalars(select(Reminder.state)).all()
        assert states == [ReminderState.CANCELLED]


def before_due(*minutes: int) -> dict[str, Any]:
    """What a client sends to be reminded so long before the task is due, parsed."""
    return parse(Task, "update", {"reminders": [{"offsetMinutes": one} for one in minutes]}, by="json")


def test_a_task_that_is_taken_up_again_reminds_of_what_is_still_to_come(database: Database) -> None:
    with database.transaction(system("test")) as session, time_machine.travel(SOON - timedelta(days=1)) as clock:
        made = task(session)
        records.update(session, made, at(SOON, SOON + timedelta(days=2)))
        tasks.complete(session, made)
        clock.move_to(SOON + timedelta(hours=1))
        tasks.reopen(session, made)
        assert waiting(session, made) == [SOON + timedelta(days=2)]


def test_what_was_told_before_a_task_was_closed_is_not_told_again(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, due_at=SOON)
        records.update(session, made, before_due(60))
        (reminder,) = reminders.waiting_for(session, made)
        with time_machine.travel(SOON - timedelta(minutes=30)):
            reminder.state = ReminderState.SENT
            tasks.complete(session, made)
            tasks.reopen(session, made)
            assert (waiting(session, made), reminder.state) == ([], ReminderState.SENT)


def test_reminders_of_a_reopened_task_are_reckoned_from_its_due_date_and_assignee_of_then(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, due_at=SOON)
        records.update(session, made, before_due(60, 0))
        tasks.complete(session, made)
        colleague, later = factories.user(session).id, SOON + timedelta(days=3)
        records.update(session, made, {"assignee_id": colleague, "title": "Visit"})
        records.update(session, made, {"due_at": later})
        assert waiting(session, made) == []
        records.update(session, made, {"status": TaskStatus.IN_PROGRESS})
        found = reminders.waiting_for(session, made)
        assert [one.remind_at for one in found] == [later - timedelta(hours=1), later]
        assert {(one.user_id, one.subject) for one in found} == {(colleague, "Visit")}


def test_a_reminder_that_was_missed_meanwhile_waits_again_once_the_task_is_due_later(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, due_at=SOON)
        records.update(session, made, before_due(0))
        tasks.complete(session, made)
        with time_machine.travel(SOON + timedelta(days=1)):
            tasks.reopen(session, made)
            assert waiting(session, made) == []
            records.update(session, made, {"due_at": SOON + timedelta(days=2)})
            assert waiting(session, made) == [SOON + timedelta(days=2)]


def test_a_reminder_that_was_taken_away_stays_away(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, due_at=SOON)
        records.update(session, made, at(SOON, SOON + timedelta(hours=1)))
        records.update(session, made, at(SOON))
        tasks.complete(session, made)
        tasks.reopen(session, made)
        assert waiting(session, made) == [SOON]
        tasks.complete(session, made)
        records.update(session, made, at())
        tasks.reopen(session, made)
        assert waiting(session, made) == []


def test_one_that_was_put_off_keeps_its_moment_through_closing_and_reopening(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, due_at=SOON)
        records.update(session, made, before_due(60))
        (reminder,) = reminders.waiting_for(session, made)
        snoozes.put_off(session, reminder, SOON + timedelta(hours=5))
        tasks.complete(session, made)
        tasks.reopen(session, made)
        assert waiting(session, made) == [SOON + timedelta(hours=5)]


def test_reminders_follow_a_task_to_its_new_assignee_and_name(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session)
        records.update(session, made, at(SOON))
        colleague = factories.user(session).id
        records.update(session, made, {"assignee_id": colleague, "title": "Visit"})
        (reminder,) = reminders.waiting_for(session, made)
        assert (reminder.user_id, reminder.subject) == (colleague, "Visit")


def test_what_happens_to_a_task_is_in_the_audit(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session)
        tasks.complete(session, made)
        wanted = select(AuditEntry.changes).where(AuditEntry.entity == "task").order_by(AuditEntry.id.desc())
        changes = session.scalars(wanted).first()
    assert changes is not None
    assert changes["status"] == ["not_started", "completed"]


def test_a_task_is_started_put_off_cancelled_and_reopened(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session)
        for operation, expected in (
            (tasks.start, TaskStatus.IN_PROGRESS),
            (tasks.defer, TaskStatus.DEFERRED),
            (tasks.start, TaskStatus.IN_PROGRESS),
            (tasks.cancel, TaskStatus.CANCELLED),
        ):
            operation(session, made)
            assert made.status is expected
            with pytest.raises(Conflict):
                operation(session, made)
        for closed_to in (tasks.start, tasks.defer, tasks.complete):
            with pytest.raises(Conflict, match="reopened first"):
                closed_to(session, made)
            session.refresh(made)
        tasks.reopen(session, made)
        assert (made.status, made.completed_at) == (TaskStatus.IN_PROGRESS, None)


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        ({}, {"progress": 40}, (TaskStatus.IN_PROGRESS, 40)),
        ({}, {"progress": 100}, (TaskStatus.COMPLETED, 100)),
        ({}, {"status": "deferred", "progress": 10}, (TaskStatus.DEFERRED, 10)),
        ({"progress": 40}, {"status": "not_started"}, (TaskStatus.NOT_STARTED, 0)),
        ({"progress": 40}, {"status": "cancelled"}, (TaskStatus.CANCELLED, 40)),
        ({"progress": 40}, {"status": "completed"}, (TaskStatus.COMPLETED, 100)),
        ({"status": "completed"}, {"status": "in_progress", "progress": 70}, (TaskStatus.IN_PROGRESS, 70)),
        ({"status": "completed"}, {"progress": 100}, (TaskStatus.COMPLETED, 100)),
    ],
)
def test_status_and_progress_agree(
    database: Database, before: dict[str, Any], sent: dict[str, Any], after: tuple[TaskStatus, int]
) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, **parse(Task, "update", before, by="name"))
        records.update(session, made, parse(Task, "update", sent, by="name"))
        assert (made.status, made.progress) == after
        assert (made.completed_at is not None) == (made.status is TaskStatus.COMPLETED)


@pytest.mark.parametrize(
    ("before", "sent", "sentence"),
    [
        ({"status": "completed"}, {"progress": 50}, "reopen it first"),
        ({"status": "completed"}, {"status": "cancelled"}, "reopened first"),
        ({}, {"status": "in_progress", "progress": 100}, "below 100"),
        ({"status": "cancelled"}, {"progress": 100}, "below 100"),
    ],
)
def test_status_and_progress_that_contradict_each_other_are_refused(
    database: Database, before: dict[str, Any], sent: dict[str, Any], sentence: str
) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, **parse(Task, "update", before, by="name"))
        with pytest.raises((BadInput, Conflict), match=sentence):
            records.update(session, made, parse(Task, "update", sent, by="name"))
        session.refresh(made)


def test_a_task_is_closed_after_its_parts(database: Database) -> None:
    with database.transaction(system("test")) as session:
        top = task(session)
        parts = [task(session, parent_id=top.id) for _ in range(3)]
        records.delete(session, parts[2])
        for close in (tasks.complete, tasks.cancel):
            with pytest.raises(Conflict, match="still open: 2"):
                close(session, top)
            session.refresh(top)
        tasks.complete(session, parts[0])
        tasks.cancel(session, parts[1])
        tasks.complete(session, top)
        with pytest.raises(Conflict, match="reopen that first"):
            tasks.reopen(session, parts[0])
        session.refresh(parts[0])
        with pytest.raises(BadInput, match="must be an open task"):
            task(session, parent_id=top.id)


def test_two_who_make_tasks_parts_of_each_other_make_no_circle(database: Database) -> None:
    with database.transaction(system("test")) as session:
        numbers = task(session).id, task(session).id
    start = threading.Barrier(2)

    def move(which: int) -> None:
        start.wait()
        with (
            suppress(CrmError, DBAPIError),
            database.transaction(system("test")) as session,
        ):  # one may have to give way
            found = access.find(session, Task, numbers[which], lock=True)
            records.update(session, found, {"parent_id": numbers[1 - which]})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(move, range(2)))
    with database.read_only(system("test")) as session:
        parents = [session.get_one(Task, number).parent_id for number in numbers]
    assert sum(parent is not None for parent in parents) == 1


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"due_at": SOON, "due_date": SOON.date()}, "dueDate"),
        ({"start_at": SOON + timedelta(seconds=1), "due_at": SOON}, "startAt"),
        ({"start_at": SOON + timedelta(days=1), "due_date": SOON.date()}, "startAt"),
    ],
)
def test_due_dates_that_contradict_each_other_are_refused(database: Database, sent: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused, database.transaction(system("test")) as session:
        task(session, **sent)
    assert refused.value.errors[0].field == field


def test_the_day_a_task_is_due_is_one_of_the_assignees_zone(database: Database) -> None:
    late = datetime(2026, 11, 30, 20, tzinfo=UTC)  # the first of December in Shanghai
    with database.transaction(system("test")) as session:
        there = factories.user(session)
        there.timezone = "Asia/Shanghai"
        task(session, start_at=late, due_date=date(2026, 12, 1), assignee_id=there.id)
        with pytest.raises(BadInput, match="not be later"):
            task(session, start_at=late, due_date=date(2026, 11, 30), assignee_id=there.id)


@pytest.mark.parametrize(
    ("zone", "due", "moment", "expected"),
    [
        ("Asia/Shanghai", {"due_date": date(2026, 11, 30)}, "2026-11-30T15:59:59Z", False),
        ("Asia/Shanghai", {"due_date": date(2026, 11, 30)}, "2026-11-30T16:00:00Z", True),
        ("Pacific/Kiritimati", {"due_date": date(2026, 11, 30)}, "2026-11-30T10:00:00Z", True),
        ("Pacific/Kiritimati", {"due_date": date(2026, 11, 30)}, "2026-11-30T09:59:00Z", False),
        ("Pacific/Pago_Pago", {"due_date": date(2026, 11, 30)}, "2026-12-01T10:59:00Z", False),
        ("Pacific/Pago_Pago", {"due_date": date(2026, 11, 30)}, "2026-12-01T11:00:00Z", True),
        ("", {"due_date": date(2026, 11, 30)}, "2026-12-01T00:00:00Z", True),
        ("", {"due_date": date(2026, 11, 30)}, "2026-11-30T23:59:00Z", False),
        ("", {"due_at": datetime(2026, 11, 30, tzinfo=UTC)}, "2026-11-30T00:00:01Z", True),
        ("", {"due_at": datetime(2026, 11, 30, tzinfo=UTC)}, "2026-11-30T00:00:00Z", False),
        ("", {"due_date": date(2026, 11, 3), "status": TaskStatus.CANCELLED}, "2026-11-30T00:00:00Z", False),
        ("", {}, "2026-11-30T00:00:00Z", False),
    ],
)
def test_overdue_is_the_same_in_python_and_in_the_database(
    database: Database, zone: str, due: dict[str, Any], moment: str, expected: bool
) -> None:
    with time_machine.travel(datetime.fromisoformat(moment), tick=False), database.transaction(system("t")) as session:
        user = factories.user(session)
        user.timezone = zone
        made = task(session, assignee_id=user.id, **due)
        assert made.overdue is expected
        assert session.scalar(select(Task.id).where(Task.overdue)) == (made.id if expected else None)
        assert session.scalar(select(Task.id).where(~Task.overdue)) == (None if expected else made.id)


def test_a_checklist_is_kept_tidy(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, checklist=[{"text": " Dial "}, {"text": "Talk", "done": True}])
        assert made.checklist == [{"text": "Dial", "done": False}, {"text": "Talk", "done": True}]
        tasks.tick(session, made, step=0, text="Dial")
        tasks.tick(session, made, step=1, done=False)
        assert [step["done"] for step in made.checklist] == [True, False]
        with pytest.raises(BadInput, match="number of a step"):
            tasks.tick(session, made, step=2)
        with pytest.raises(Conflict):
            tasks.tick(session, made, step=0, text="Hang up")


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([{"text": ""}], "checklist.0.text"),
        ([{"text": "A"}, {"text": "B", "done": "yes"}], "checklist.1.done"),
        ([{"text": "A", "who": "B"}], "checklist.0.who"),
        (["A"], "checklist.0"),
        ([{"text": "x" * 501}], "checklist.0.text"),
        ([{"text": "x"}] * 101, "checklist"),
    ],
)
def test_a_wrong_checklist_is_named(database: Database, steps: list[Any], field: str) -> None:
    with pytest.raises(BadInput) as refused, database.transaction(system("test")) as session:
        task(session, checklist=steps)
    assert refused.value.errors[0].field == field


def test_reminders_before_the_due_date_move_with_it(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, due_at=SOON)
        records.update(session, made, before_due(0, 60))
        hour = timedelta(hours=1)
        assert waiting(session, made) == [SOON - hour, SOON]
        records.update(session, made, {"due_at": SOON + hour})
        assert waiting(session, made) == [SOON, SOON + hour]
        records.update(session, made, {"due_at": None})
        assert waiting(session, made) == []


def test_reminders_of_an_all_day_task_are_reckoned_from_nine_in_the_morning(database: Database) -> None:
    with database.transaction(system("test")) as session:
        here, there = factories.user(session), factories.user(session)
        here.timezone, there.timezone = "Europe/Berlin", "Asia/Shanghai"
        made = task(session, due_date=date(2027, 3, 28), assignee_id=here.id)
        records.update(session, made, before_due(1440))
        assert waiting(session, made) == [datetime(2027, 3, 27, 7, tzinfo=UTC)]
        records.update(session, made, {"assignee_id": there.id})
        assert waiting(session, made) == [datetime(2027, 3, 27, 1, tzinfo=UTC)]


def test_one_that_was_told_is_told_again_if_the_due_date_moves_on(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, due_at=SOON)
        records.update(session, made, before_due(10))
        (reminder,) = reminders.waiting_for(session, made)
        reminder.state = ReminderState.SENT
        session.flush()
        records.update(session, made, {"due_at": now() - timedelta(days=1)})
        assert reminder.state is ReminderState.SENT
        records.update(session, made, {"due_at": SOON + timedelta(days=1)})
        assert (reminder.state, len(waiting(session, made))) == (ReminderState.WAITING, 1)


def test_without_a_due_date_there_is_nothing_to_reckon_from(database: Database) -> None:
    with pytest.raises(BadInput, match="need a due date"), database.transaction(system("test")) as session:
        records.update(session, task(session), before_due(10))
