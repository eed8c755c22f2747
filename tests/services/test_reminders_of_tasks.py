"""Tasks: their reminders follow what becomes of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import system
from crm.columns import now
from crm.db import CrmSession, Database
from crm.errors import BadInput
from crm.models import Reminder, Task
from crm.models.reminder import ReminderState
from crm.models.task import TaskStatus
from crm.schemas import parse
from crm.services import records, reminders, snoozes, tasks
from tests import factories
from tests.services.task_samples import SOON, task


def at(*moments: datetime, channel: str = "both") -> dict[str, Any]:
    """What a client sends to set these reminders, parsed."""
    sent = [{"remindAt": moment.isoformat(), "channel": channel} for moment in moments]
    return parse(Task, "update", {"reminders": sent}, by="json")


def waiting(session: CrmSession, record: Task) -> list[datetime]:
    return [reminder.remind_at for reminder in reminders.waiting_for(session, record)]


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
    with time_machine.travel("2027-03-01T00:00:00Z"), database.transaction(system("test")) as session:
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
