"""What is due in the morning of each user's own zone is told once, and only while it stands."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import system
from crm.db import CrmSession, Database
from crm.models import (
    Opportunity,
    Reminder,
    Stage,
    Task,
    User,
)
from crm.models.reminder import ReminderState
from crm.models.stage import StageCategory
from crm.services import records
from crm.workers import clock
from tests import factories
from tests.services.morning_samples import DAY, EIGHT_IN_BERLIN, deal, morning, person

pytestmark = pytest.mark.usefixtures("long_before")


@pytest.mark.parametrize(
    ("field", "expected"),
    [("next_step_date", "follow_up"), ("expected_close_date", "close_date")],
)
def test_a_date_of_a_deal_is_told_at_eight_in_the_owners_zone(database: Database, field: str, expected: str) -> None:
    with database.transaction(system("test")) as session:
        deal(session, person(session), **{field: DAY})
    assert morning(database, EIGHT_IN_BERLIN - timedelta(minutes=1)) == []
    ((kind, title),) = morning(database, EIGHT_IN_BERLIN)
    assert (kind, "Two hundred seats" in title) == (expected, True)
    assert len(morning(database, EIGHT_IN_BERLIN + timedelta(hours=9))) == 1


def test_everyone_has_their_own_morning(database: Database) -> None:
    with database.transaction(system("test")) as session:
        for zone in ("Asia/Shanghai", "Europe/Berlin", "America/New_York"):
            deal(session, person(session, zone), name=zone, next_step_date=DAY)
    counts = [len(morning(database, datetime(2026, 11, 30, hour, tzinfo=UTC))) for hour in (0, 6, 7, 12, 13)]
    assert counts == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_a_morning_comes_once_on_the_days_the_clocks_change(database: Database, day: date) -> None:
    with database.transaction(system("test")) as session:
        deal(session, person(session), next_step_date=day)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=12)
    found = [len(morning(database, begin + timedelta(hours=n), rounds=1)) for n in range(36)]
    assert (found[0], found[-1]) == (0, 1)
    hour = 6 if day.month == 3 else 7  # eight o'clock in summer, and in winter
    assert begin + timedelta(hours=found.index(1)) == datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def test_a_weekend_of_silence_is_made_up_for_once_and_no_more(database: Database) -> None:
    with database.transaction(system("test")) as session:
        owner = person(session)
        for back in range(5):
            deal(session, owner, name=f"{back} days ago", next_step_date=DAY - timedelta(days=back))
        records.create(session, Task, {"title": "Call", "assignee_id": owner.id, "due_date": date(2026, 11, 2)})
    found = morning(database, EIGHT_IN_BERLIN + timedelta(hours=23, minutes=59))
    told = [title for kind, title in found if kind == "follow_up"]
    assert sorted(told) == [f"Follow up: {back} days ago" for back in range(3)]
    assert [title for kind, title in found if kind == "overdue"] == ["Overdue tasks: 1"]
    assert morning(database, EIGHT_IN_BERLIN + timedelta(hours=23, minutes=59)) == found


def test_after_26_hours_of_silence_each_is_told_once(database: Database) -> None:
    with database.transaction(system("test")) as session:
        for zone in ("Asia/Shanghai", "Europe/Berlin", "America/New_York"):
            owner = person(session, zone)
            for day in (DAY, DAY + timedelta(days=1)):
                deal(session, owner, name=f"{zone} {day}", next_step_date=day, expected_close_date=day)
    before, after = EIGHT_IN_BERLIN - timedelta(hours=8), EIGHT_IN_BERLIN + timedelta(hours=18, minutes=1)
    assert morning(database, before) == []
    assert len(morning(database, after)) == 6 + 2  # Shanghai has had the second morning, too
    assert len(morning(database, after + timedelta(hours=30))) == 12


def test_a_day_that_was_past_when_it_was_written_down_is_not_told(database: Database) -> None:
    with database.transaction(system("test")) as session:
        owner = person(session)
        who, number = owner.id, deal(session, owner).id
    noon = time_machine.travel(EIGHT_IN_BERLIN + timedelta(hours=4), tick=False)
    with noon, database.transaction(system("test")) as session:
        deal(session, session.get_one(User, who), name="imported", next_step_date=DAY - timedelta(days=2))
        records.update(session, session.get_one(Opportunity, number), {"next_step_date": DAY - timedelta(days=1)})
    assert morning(database, EIGHT_IN_BERLIN + timedelta(hours=5)) == []


def test_two_clocks_at_once_make_one_reminder(database: Database) -> None:
    with database.transaction(system("test")) as session:
        owner = person(session)
        for _ in range(20):
            deal(session, owner, next_step_date=DAY)
    start = threading.Barrier(2)

    def tick(_: int) -> None:
        start.wait()
        clock.ask_for_mornings(database)

    with time_machine.travel(EIGHT_IN_BERLIN, tick=False):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(tick, range(2)))
        clock.ask_for_mornings(database)
    with database.read_only(system("test")) as session:
        assert len(session.scalars(select(Reminder)).all()) == 20


@pytest.mark.parametrize("reason", ["changed", "closed", "handed over", "signed off", "in the trash", "not allowed"])
def test_what_no_longer_stands_is_not_told(database: Database, reason: str) -> None:
    with database.transaction(system("test")) as session:
        owner, made_for = person(session), person(session)
        made = deal(session, owner, next_step_date=DAY, amount=100)
        won = factories.make(Stage, session, pipeline_id=made.pipeline_id, category=StageCategory.WON)
        ids = made.id, owner.id, made_for.id, won.id
    with time_machine.travel(EIGHT_IN_BERLIN, tick=False):
        assert clock.ask_for_mornings(database) == 1
        with database.transaction(system("test")) as session:
            _spoil(session, reason, *ids)
    expected = ["Follow up: Two hundred seats"] if reason == "handed over" else []
    assert [title for _, title in morning(database, EIGHT_IN_BERLIN)] == expected
    with database.read_only(system("test")) as session:
        first = session.scalars(select(Reminder).order_by(Reminder.id)).first()
        assert first is not None
        assert first.state is ReminderState.CANCELLED


def _spoil(session: CrmSession, reason: str, deal_id: int, owner_id: int, other_id: int, won_id: int) -> None:
    found, owner = session.get_one(Opportunity, deal_id), session.get_one(User, owner_id)
    if reason == "changed":
        records.update(session, found, {"next_step_date": DAY + timedelta(days=3)})
    elif reason == "closed":
        records.update(session, found, {"stage_id": won_id})
    elif reason == "handed over":
        records.update(session, found, {"owner_id": other_id})
    elif reason == "signed off":
        owner.status = False
    elif reason == "in the trash":
        records.delete(session, found)
    else:
        owner.roles = []
    session.flush()


def test_a_changed_date_is_told_on_its_new_day(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = deal(session, person(session), next_step_date=DAY)
        records.update(session, made, {"next_step_date": DAY + timedelta(days=1)})
    assert morning(database, EIGHT_IN_BERLIN) == []
    assert len(morning(database, EIGHT_IN_BERLIN + timedelta(days=1))) == 1


def test_a_stage_that_waits_longer_than_any_calendar_keeps_nobody_from_their_morning(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = deal(session, person(session), next_step_date=DAY)
        session.get_one(Stage, made.stage_id).expected_days = 2**31 - 1  # could be written once
    assert len(morning(database, EIGHT_IN_BERLIN)) == 1


def test_a_deal_is_called_stale_once_in_each_stage(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = deal(session, person(session))
        stage = session.get_one(Stage, made.stage_id)
        stage.expected_days = 10
        number, other = made.id, factories.make(Stage, session, pipeline_id=made.pipeline_id, expected_days=None).id
        back = stage.id
    # entered on 1 November at 10:00 in Berlin, stale on the 16th at that time
    days = [len(morning(database, datetime(2026, 11, day, 7, tzinfo=UTC))) for day in (15, 16, 17, 18)]
    assert days == [0, 0, 1, 1]
    moved = time_machine.travel(datetime(2026, 11, 20, 9, tzinfo=UTC), tick=False)
    with moved, database.transaction(system("test")) as session:
        found = session.get_one(Opportunity, number)
        records.update(session, found, {"stage_id": other})
        records.update(session, found, {"stage_id": back})
    assert len(morning(database, datetime(2026, 12, 5, 7, tzinfo=UTC))) == 1
    assert len(morning(database, datetime(2026, 12, 6, 7, tzinfo=UTC))) == 2
