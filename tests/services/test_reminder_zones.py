"""A user who moves to another time zone is told of each occasion once, in the morning of where they are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import Scope, system
from crm.db import Database
from crm.models import Notification, Opportunity, Reminder, Task, User
from crm.models.reminder import ReminderState
from crm.services import records, reminder_news
from crm.services.task_reminders import ReminderInput
from crm.workers import clock
from tests import factories

DAY = date(2026, 11, 30)
#: nine o'clock of that day
NINE = {
    "Asia/Shanghai": datetime(2026, 11, 30, 1, tzinfo=UTC),
    "Europe/Berlin": datetime(2026, 11, 30, 8, tzinfo=UTC),
    "America/New_York": datetime(2026, 11, 30, 14, tzinfo=UTC),
}


@pytest.fixture
def user(database: Database) -> int:
    """Lives in Berlin, has an all-day task with a reminder in its morning, and a deal to follow up on that day."""
    begun = time_machine.travel(datetime(2026, 11, 20, tzinfo=UTC), tick=False)
    with begun, database.transaction(system("test")) as session:
        factories.default_pipeline(session)
        made = factories.user(session, {"view_tasks": Scope.OWN, "view_opportunities": Scope.OWN})
        records.update(session, made, {"timezone": "Europe/Berlin"})
        reminder = ReminderInput.model_validate({"offsetMinutes": 0, "channel": "app"})
        task = {"title": "Call", "assignee_id": made.id, "due_date": DAY, "reminders": [reminder]}
        records.create(session, Task, task)
        records.create(session, Opportunity, {"name": "Seats", "owner_id": made.id, "next_step_date": DAY})
        return made.id


def move(database: Database, user: int, zone: str, moment: datetime) -> None:
    with time_machine.travel(moment, tick=False), database.transaction(system("test")) as session:
        records.update(session, session.get_one(User, user), {"timezone": zone})


def told(database: Database, moment: datetime) -> list[str]:
    """Clock and worker at `moment`; kinds of all news so far."""
    with time_machine.travel(moment, tick=False):
        clock.ask_for_mornings(database)
        with database.transaction(system("test")) as session:
            for number in session.scalars(select(Reminder.id)).all():
                reminder_news.tell(session, number)
    with database.read_only(system("test")) as session:
        return sorted(session.scalars(select(Notification.kind)))


@pytest.mark.parametrize("zone", NINE)
def test_it_is_told_in_the_morning_of_the_new_zone(database: Database, user: int, zone: str) -> None:
    move(database, user, zone, datetime(2026, 11, 25, tzinfo=UTC))
    assert told(database, NINE[zone] - timedelta(hours=1, seconds=1)) == []
    assert told(database, NINE[zone] - timedelta(hours=1)) == ["follow_up"]
    assert told(database, NINE[zone]) == ["due", "follow_up"]


def test_it_is_not_told_again_in_a_later_morning_of_the_same_day(database: Database, user: int) -> None:
    assert told(database, NINE["Europe/Berlin"]) == ["due", "follow_up"]
    move(database, user, "America/New_York", NINE["Europe/Berlin"] + timedelta(minutes=1))
    assert told(database, NINE["America/New_York"] + timedelta(minutes=1)) == ["due", "follow_up"]
    move(database, user, "Asia/Shanghai", NINE["America/New_York"] + timedelta(minutes=2))
    assert told(database, NINE["America/New_York"] + timedelta(hours=8)) == ["due", "follow_up"]


def test_a_morning_that_the_move_skipped_is_told_at_once(database: Database, user: int) -> None:
    moment = NINE["Asia/Shanghai"] + timedelta(hours=2)
    assert told(database, moment) == []
    move(database, user, "Asia/Shanghai", moment)
    assert told(database, moment) == ["due", "follow_up"]
    with database.read_only(system("test")) as session:
        states = set(session.scalars(select(Reminder.state)))
    assert states == {ReminderState.SENT}
