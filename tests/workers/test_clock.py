"""The clock asks for each fire and each reminder once, whoever ticks and however often."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.models import AuditEntry, Reminder, Schedule
from crm.models.reminder import Channel
from crm.models.schedule import CatchUp
from crm.services import records
from crm.workers import clock
from tests.workers.conftest import jobs

REPORT = {"kind": "report.mail", "payload": {"report": "open_pipeline", "recipients": []}}


def scheduled(database: Database, *, fires_after: datetime, **values: Any) -> int:
    with database.transaction(system("test")) as session:
        made = records.create(session, Schedule, {"name": "S", **REPORT, **values})
        made.fires_after = fires_after
        session.flush()
        number: int = made.id
        return number


def asked_keys(database: Database) -> list[str]:
    return [job.dedupe_key for job in jobs(database)]


def test_clocks_that_tick_at_once_ask_for_each_fire_once(database: Database) -> None:
    number = scheduled(database, interval_s=1, catch_up=CatchUp.EACH, fires_after=now() - timedelta(seconds=10))
    start = threading.Barrier(3)

    def tick(_: int) -> int:
        start.wait()
        return clock.tick(database, zone="UTC")

    with ThreadPoolExecutor(3) as pool:
        asked = sum(pool.map(tick, range(3)))
    keys = asked_keys(database)
    assert len(keys) == len(set(keys)) == asked >= 10
    assert all(key.startswith(f"schedule:{number}@") for key in keys)


@pytest.mark.parametrize(("policy", "expected"), [(CatchUp.EACH, 26), (CatchUp.LATEST, 1), (CatchUp.SKIP, 0)])
def test_missed_fires_are_made_up_for_as_the_policy_says(database: Database, policy: CatchUp, expected: int) -> None:
    with time_machine.travel(datetime(2026, 11, 20, 10, 30, tzinfo=UTC), tick=False):
        scheduled(database, cron="0 * * * *", catch_up=policy, fires_after=now() - timedelta(hours=26))
        assert clock.tick(database, zone="UTC") == expected
        assert clock.tick(database, zone="UTC") == 0
    with time_machine.travel(datetime(2026, 11, 20, 11, 0, 1, tzinfo=UTC), tick=False):
        assert clock.tick(database, zone="UTC") == 1


@pytest.mark.parametrize("change", [datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 3, 28, 22, tzinfo=UTC)])
def test_daily_at_half_past_two_fires_once_on_the_days_the_clock_changes(database: Database, change: datetime) -> None:
    scheduled(database, cron="30 2 * * *", timezone="Europe/Berlin", catch_up=CatchUp.EACH, fires_after=change)
    for minutes in range(0, 8 * 60, 15):
        with time_machine.travel(change + timedelta(minutes=minutes), tick=False):
            clock.tick(database, zone="UTC")
    assert len(asked_keys(database)) == 1


@pytest.mark.parametrize("later", [{"cron": "0 10 * * *"}, {"timezone": "America/New_York"}])
def test_a_daily_schedule_that_is_moved_to_later_that_day_fires_again(
    database: Database, later: dict[str, str]
) -> None:
    eight = datetime(2026, 11, 20, 8, tzinfo=UTC)
    number = scheduled(database, cron="0 8 * * *", timezone="UTC", fires_after=eight - timedelta(hours=1))
    with time_machine.travel(eight, tick=False):
        assert clock.tick(database, zone="UTC") == 1
    with time_machine.travel(eight + timedelta(hours=1), tick=False), database.transaction(system("test")) as session:
        records.update(session, session.get_one(Schedule, number), later)
    with time_machine.travel(eight + timedelta(hours=6), tick=False):
        assert [clock.tick(database, zone="UTC") for _ in range(2)] == [1, 0]


def test_a_fire_leaves_the_schedules_version_and_audit_alone(database: Database) -> None:
    number = scheduled(database, interval_s=60, fires_after=now() - timedelta(seconds=61))
    with database.read_only(system("test")) as session:
        before = session.get_one(Schedule, number).version
        entries = len(session.scalars(select(AuditEntry)).all())
    assert clock.tick(database, zone="UTC") == 1
    with database.read_only(system("test")) as session:
        after = session.get_one(Schedule, number)
        assert after.version == before
        assert after.last_fire_at is not None
        assert len(session.scalars(select(AuditEntry)).all()) == entries


def test_what_is_switched_off_or_in_the_trash_does_not_fire(database: Database) -> None:
    off = scheduled(database, name="off", enabled=False, interval_s=1, fires_after=now() - timedelta(hours=1))
    gone = scheduled(database, name="gone", interval_s=1, fires_after=now() - timedelta(hours=1))
    with database.transaction(system("test")) as session:
        records.delete(session, session.get_one(Schedule, gone))
    assert clock.tick(database, zone="UTC") == 0
    assert off != gone


def test_a_schedule_that_cannot_be_read_stops_no_other(database: Database) -> None:
    broken = scheduled(database, name="broken", interval_s=1, fires_after=now() - timedelta(seconds=5))
    scheduled(database, name="sound", interval_s=60, fires_after=now() - timedelta(seconds=61))
    with database.transaction(system("test")) as session:
        session.get_one(Schedule, broken).cron = "nonsense"
    assert clock.tick(database, zone="UTC") == 1


def test_the_job_has_the_rights_of_the_schedules_owner(database: Database, ann: int) -> None:
    scheduled(database, interval_s=60, owner_id=ann, fires_after=now() - timedelta(seconds=61))
    clock.tick(database, zone="UTC")
    assert [job.principal_id for job in jobs(database)] == [ann]


def test_a_due_reminder_is_asked_for_once_and_again_when_its_moment_is_changed(database: Database, ann: int) -> None:
    with database.transaction(system("test")) as session:
        values = {"subject": "Call", "user_id": ann, "channel": Channel.APP}
        due = records.create(session, Reminder, {**values, "remind_at": now() - timedelta(seconds=1)})
        records.create(session, Reminder, {**values, "remind_at": now() + timedelta(hours=1)})
        number = due.id
    assert [clock.tick(database, zone="UTC") for _ in range(3)] == [1, 0, 0]
    with database.transaction(system("test")) as session:
        records.update(session, session.get_one(Reminder, number), {"remind_at": now() - timedelta(seconds=2)})
    assert [clock.tick(database, zone="UTC") for _ in range(2)] == [1, 0]
    assert [job.payload for job in jobs(database)] == [{"reminder_id": number, "version": n} for n in (1, 2)]
