"""Schedules say in both languages when they fire, and when next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.i18n import using
from crm.services.fire_times import Timing
from crm.services.fire_words import in_words

CRON = [
    ("0 8 * * 1-5", "Every weekday at 08:00", "每个工作日 08:00"),
    ("0 8 * * mon-fri", "Every weekday at 08:00", "每个工作日 08:00"),
    ("30 2 * * *", "Every day at 02:30", "每天 02:30"),
    ("0 8,14 * * *", "Every day at 08:00 and 14:00", "每天 08:00、14:00"),
    ("0 9 * * mon", "Every Monday at 09:00", "每星期一 09:00"),
    ("0 9 * * sun", "Every Sunday at 09:00", "每星期日 09:00"),
    ("0 9 * * 0", "Every Sunday at 09:00", "每星期日 09:00"),
    ("0 9 * * 7", "Every Sunday at 09:00", "每星期日 09:00"),
    ("15 18 * * fri,mon", "Every Monday and Friday at 18:15", "每星期一、星期五 18:15"),
    ("0 9 * * sat-mon", "Every Monday, Saturday, and Sunday at 09:00", "每星期一、星期六、星期日 09:00"),
    ("0 9 * * 0-6", "Every day at 09:00", "每天 09:00"),
    ("0 6 1 * *", "On day 1 of every month at 06:00", "每月 1 日 06:00"),
    ("0 6 1,15 * *", "On day 1 and 15 of every month at 06:00", "每月 1、15 日 06:00"),
    ("0 6 last * *", "On the last day of every month at 06:00", "每月最后一天 06:00"),
    ("0 0 1 1 *", "Every year on 1 January at 00:00", "每年 1月 1 日 00:00"),
    ("* * * * *", "Every minute", "每分钟"),
    ("*/15 * * * *", "Every 15 minutes", "每 15 分钟"),
    ("*/15 * * * 1-5", "Every weekday, every 15 minutes", "每个工作日，每 15 分钟"),
    ("0 * * * *", "Every hour", "每小时"),
    ("0 */6 * * *", "Every 6 hours", "每 6 小时"),
    ("30 * * * *", "Every hour at minute 30", "每小时的第 30 分钟"),
    ("0 8-18 * * 1-5", "Every weekday, hourly from 08:00 to 18:00", "每个工作日，08:00 至 18:00 每小时"),
    ("5-10 8 1 3 *", "When it is minute 5-10, hour 8, day 1, and month 3", "当分钟 5-10、小时 8、日 1、月 3 时"),
]


@pytest.mark.parametrize(("cron", "english", "chinese"), CRON, ids=[cron for cron, *_ in CRON])
def test_cron_fields_are_said_as_people_say_them(cron: str, english: str, chinese: str) -> None:
    timing = Timing(cron, None, "UTC")
    assert in_words(timing) == english
    with using("zh"):
        assert in_words(timing) == chinese


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((1, "Every second"), (60, "Every minute"), (90, "Every 90 seconds"), (5400, "Every 90 minutes")),
        *((7200, "Every 2 hours"), (86400, "Every day"), (604800, "Every 7 days")),
    ],
)
def test_intervals_are_said_in_their_largest_whole_unit(seconds: int, words: str) -> None:
    assert in_words(Timing("", seconds, "UTC")) == words


@pytest.mark.parametrize("cron", ["nonsense", "0 8", "99 8 * * *", ""])
def test_what_makes_no_sense_is_not_said(cron: str) -> None:
    assert in_words(Timing(cron, None, "UTC")) == ""


def test_the_next_fires_stand_in_the_schedules_zone() -> None:
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)
    coming = Timing("0 8 * * 1-5", None, "Asia/Shanghai").coming(friday, 5, since=friday)
    local = [fire.astimezone(ZoneInfo("Asia/Shanghai")) for fire in coming]
    assert [f"{fire:%a %d %H:%M}" for fire in local] == [
        *("Mon 23 08:00", "Tue 24 08:00", "Wed 25 08:00", "Thu 26 08:00", "Fri 27 08:00"),
    ]


def test_the_next_fires_of_an_interval_keep_its_rhythm() -> None:
    begin = datetime(2026, 11, 20, 12, 0, 7, tzinfo=UTC)
    coming = Timing("", 3600, "UTC").coming(begin + timedelta(days=100, minutes=5), 2, since=begin)
    assert coming == [begin + timedelta(days=100, hours=1), begin + timedelta(days=100, hours=2)]
    assert Timing("", 60, "UTC").coming(begin, 1, since=begin) == [begin + timedelta(seconds=60)]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"])
def test_the_next_fires_of_a_daily_schedule_are_one_a_day_over_clock_changes(zone: str) -> None:
    timing, place = Timing("30 2 * * *", None, zone), ZoneInfo(zone)
    moment = datetime(2026, 1, 1, tzinfo=place)
    days = []
    while moment.year < 2028:
        fires = timing.coming(moment, 5, since=moment)
        days += [fire.astimezone(place).date() for fire in fires]
        moment = fires[-1] + timedelta(hours=1, minutes=1)
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]


def test_what_never_comes_has_no_next_fire() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert Timing("0 0 31 2 *", None, "UTC").coming(moment, 5, since=moment) == []
