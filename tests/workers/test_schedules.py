"""Every fire becomes one job: schedulers are killed, a day passes in silence, clocks are changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.models import Reminder, Schedule
from crm.models.reminder import Channel
from crm.models.schedule import CatchUp
from crm.services import records, schedules
from crm.workers import clock
from tests.waiting import until
from tests.workers.conftest import jobs

REPORT: dict[str, Any] = {"kind": "report.mail", "payload": {"report": "open_pipeline", "recipients": []}}
SCHEDULERS = 3
KILLS = 4


def scheduled(database: Database, *, fires_after: datetime, **values: Any) -> int:
    with database.transaction(system("test")) as session:
        made = records.create(session, Schedule, {"name": "S", **REPORT, **values})
        made.fires_after = fires_after
        session.flush()
        number: int = made.id
        return number


@pytest.fixture
def ticker(database_url: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """`ticker()` starts a process that ticks; all end with the test."""
    with ExitStack() as stack:

        def start() -> subprocess.Popen[bytes]:
            process = subprocess.Popen([sys.executable, "-m", "tests.workers.ticker", database_url])
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        yield start


def test_schedulers_that_are_killed_miss_no_second_and_double_none(
    database: Database, ticker: Callable[[], subprocess.Popen[bytes]]
) -> None:
    begin = now().replace(microsecond=0)
    number = scheduled(database, interval_s=1, catch_up=CatchUp.EACH, fires_after=begin)
    running = [ticker() for _ in range(SCHEDULERS)]

    def fired(count: int) -> Callable[[], bool]:
        return lambda: len(jobs(database, kind="report.mail")) >= count

    for kill in range(KILLS):
        until(fired(kill + 1))
        running.pop(0).kill()
        running.append(ticker())
    until(fired(KILLS + 2))
    seconds = [int(job.dedupe_key.removeprefix(f"schedule:{number}@")) for job in jobs(database, kind="report.mail")]
    first = int(begin.timestamp()) + 1
    assert sorted(seconds) == list(range(first, first + len(seconds)))


def test_after_26_hours_of_silence_each_reminder_and_one_report_are_made_up_for(database: Database, ann: int) -> None:
    stopped = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    with time_machine.travel(stopped, tick=False), database.transaction(system("test")) as session:
        for hour in range(26):
            due = {"remind_at": stopped + timedelta(hours=hour, minutes=1), "channel": Channel.APP}
            records.create(session, Reminder, {"subject": f"Call {hour}", "user_id": ann, **due})
    scheduled(database, cron="0 8 * * *", catch_up=CatchUp.LATEST, fires_after=stopped)
    with time_machine.travel(stopped + timedelta(hours=26), tick=False):
        for _ in range(3):
            clock.tick(database, zone="UTC")
    assert len(jobs(database, kind="reminder.tell")) == 26
    assert [job.dedupe_key.partition("@")[2] for job in jobs(database, kind="report.mail")] == ["2026-11-21T08:00 UTC"]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"])
@pytest.mark.parametrize("policy", [CatchUp.EACH, CatchUp.LATEST])
def test_daily_at_half_past_two_fires_once_a_day_for_two_years(zone: str, policy: CatchUp) -> None:
    """As the clock does it: what is due is asked for by its key, and the schedule moves on."""
    place = ZoneInfo(zone)
    moment = begin = datetime(2026, 1, 1, tzinfo=place).astimezone(UTC)
    schedule = Schedule(id=1, cron="30 2 * * *", timezone=zone, catch_up=policy, fires_after=begin, created_at=begin)
    asked: list[str] = []
    while moment < begin + timedelta(days=730):
        moment += timedelta(hours=8)
        for fire in schedules.due(schedule, moment, zone="UTC"):
            asked.append(schedules.fire_key(schedule, fire, zone="UTC"))
            schedule.fires_after = fire
    first = datetime(2026, 1, 1).date()
    assert sorted(set(asked)) == [f"1@{first + timedelta(days=n)}T02:30 {zone}" for n in range(730)]
