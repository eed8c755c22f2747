"""Cron fields mean what crontab means, in the schedule's zone; each fire has one name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm.errors import BadInput
from crm.services.fire_times import Timing

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


def days(cron: str) -> list[str]:
    """Weekdays of the first seven fires after a Monday's first minute."""
    fires = Timing(cron, None, "UTC").between(MONDAY - timedelta(seconds=1), MONDAY + timedelta(days=40), limit=7)
    return [fire.strftime("%a").lower() for fire in fires]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("1", ["mon"]),
        ("0", ["sun"]),
        ("7", ["sun"]),
        ("mon-fri", ["mon", "tue", "wed", "thu", "fri"]),
        ("1-5", ["mon", "tue", "wed", "thu", "fri"]),
        ("5-7", ["fri", "sat", "sun"]),
        ("sat,sun", ["sat", "sun"]),
        ("1-5/2", ["mon", "wed", "fri"]),
        ("*", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
    ],
)
def test_weekdays_are_those_of_crontab(field: str, expected: list[str]) -> None:
    assert set(days(f"0 8 * * {field}")) == set(expected)


def test_the_hour_is_that_of_the_zone() -> None:
    (fire,) = Timing("0 8 * * *", None, "Asia/Shanghai").between(MONDAY, MONDAY + timedelta(days=1), limit=5)
    assert fire == datetime(2026, 11, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "cron", ["", "0 8 * *", "61 8 * * *", "0 8 * * 9", "0 8 * * mo nday", "@daily", "0 8 1 * mon", "0 0 31 2 *"]
)
def test_what_cannot_be_understood_is_refused_with_a_sentence(cron: str) -> None:
    with pytest.raises(BadInput):
        Timing(cron, None, "UTC").check()


@pytest.mark.parametrize(("cron", "interval"), [("0 8 * * *", 60), ("", None), ("", 0), ("", -5)])
def test_either_cron_or_an_interval(cron: str, interval: int | None) -> None:
    with pytest.raises(BadInput):
        Timing(cron, interval, "UTC").check()


def test_an_interval_keeps_its_rhythm() -> None:
    timing = Timing("", 7, "UTC")
    assert timing.between(MONDAY, MONDAY + timedelta(seconds=20), limit=9) == [
        MONDAY + timedelta(seconds=7),
        MONDAY + timedelta(seconds=14),
    ]
    years_later = MONDAY + timedelta(days=1000, seconds=3)
    last = timing.latest(MONDAY, years_later)
    assert last is not None
    assert years_later - timedelta(seconds=7) < last <= years_later
    assert (last - MONDAY).total_seconds() % 7 == 0


def test_the_latest_fire_is_found_after_any_silence() -> None:
    assert Timing("0 8 1 1 *", None, "UTC").latest(MONDAY - timedelta(days=900), MONDAY) == datetime(
        2026, 1, 1, 8, tzinfo=UTC
    )
    assert Timing("0 0 31 2 *", None, "UTC").latest(MONDAY - timedelta(days=900), MONDAY) is None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai"])
def test_a_daily_schedule_has_one_name_a_day_over_two_years_of_clock_changes(zone: str) -> None:
    begin, timing = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)), Timing("30 2 * * *", None, zone)
    fires = timing.between(begin, begin + timedelta(days=730), limit=2000)
    assert sorted({timing.key(fire) for fire in fires}) == [
        f"{begin.date() + timedelta(days=n)}T02:30 {zone}" for n in range(730)
    ]


def test_an_hourly_schedule_fires_in_both_of_the_repeated_hours() -> None:
    begin, timing = datetime(2026, 10, 24, 22, tzinfo=UTC), Timing("30 * * * *", None, "Europe/Berlin")
    fires = timing.between(begin, begin + timedelta(hours=25), limit=100)
    assert len({timing.key(fire) for fire in fires}) == 25
