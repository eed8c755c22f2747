"""What a recurrence rule may say, and the wall-clock times it gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from crm import zones
from crm.errors import BadInput
from crm.services import recurrence

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 1, 31, 9)


def days(text: str, begin: datetime = BEGIN, count: int = 4) -> list[str]:
    found = recurrence.parse(text).dates(begin, BERLIN)
    return [one.date().isoformat() for one in islice(found, count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FREQ=DAILY", ["2026-01-31", "2026-02-01", "2026-02-02", "2026-02-03"]),
        ("rrule:freq=weekly;interval=2;byday=mo,sa", ["2026-01-31", "2026-02-09", "2026-02-14", "2026-02-23"]),
        ("FREQ=MONTHLY", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        ("FREQ=MONTHLY;BYDAY=1MO", ["2026-02-02", "2026-03-02", "2026-04-06", "2026-05-04"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["2026-02-27", "2026-03-31", "2026-04-30", "2026-05-29"]),
        ("FREQ=YEARLY;BYMONTH=3,9;BYMONTHDAY=1", ["2026-03-01", "2026-09-01", "2027-03-01", "2027-09-01"]),
        ("FREQ=DAILY;COUNT=2", ["2026-01-31", "2026-02-01"]),
        ("FREQ=DAILY;UNTIL=20260202", ["2026-01-31", "2026-02-01", "2026-02-02"]),
        ("FREQ=DAILY;UNTIL=20260202T080000Z", ["2026-01-31", "2026-02-01", "2026-02-02"]),
        ("FREQ=DAILY;UNTIL=20260202T075959Z", ["2026-01-31", "2026-02-01"]),
    ],
)
def test_the_days_of_a_rule(text: str, expected: list[str]) -> None:
    assert days(text) == expected


def test_29_february_is_the_28th_in_other_years() -> None:
    assert days("FREQ=YEARLY", datetime(2024, 2, 29), 3) == ["2024-02-29", "2025-02-28", "2026-02-28"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must be a recurrence rule"),
        ("every day", "must be a recurrence rule"),
        ("FREQ=DAILY;FREQ=DAILY", "must be a recurrence rule"),
        ("FREQ=SECONDLY", "daily, weekly, monthly or yearly"),
        ("FREQ=HOURLY", "daily, weekly, monthly or yearly"),
        ("FREQ=DAILY;BYHOUR=9", "cannot be given BYHOUR"),
        ("FREQ=DAILY;INTERVAL=0", "has a wrong INTERVAL: 0"),
        ("FREQ=WEEKLY;INTERVAL=105", "INTERVAL from 1 to 104"),
        ("FREQ=DAILY;COUNT=1001", "has a wrong COUNT: 1001"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "not by both"),
        ("FREQ=DAILY;UNTIL=20261301", "has a wrong UNTIL"),
        ("FREQ=DAILY;UNTIL=99991231", "has a wrong UNTIL"),
        ("FREQ=WEEKLY;BYDAY=XX", "has a wrong BYDAY"),
        ("FREQ=WEEKLY;BYDAY=2MO", "only in a month or year"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "has a wrong BYMONTHDAY"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "gives no day at all"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence) as refused:
        recurrence.parse(text)
    assert refused.value.errors[0].field == "rrule"


@given(
    unit=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    interval=st.integers(1, 30),
    begin=st.datetimes(datetime(2020, 1, 1), datetime(2030, 12, 28)).map(lambda d: d.replace(day=min(d.day, 28))),
)
def test_plain_rules_are_those_of_the_standard(unit: str, interval: int, begin: datetime) -> None:
    begin = begin.replace(microsecond=0)
    text = f"FREQ={unit};INTERVAL={interval}"
    expected = list(islice(rrulestr(text, dtstart=begin), 5))
    assert list(islice(recurrence.parse(text).dates(begin, BERLIN), 5)) == expected


def test_nine_oclock_stays_nine_oclock_when_the_clocks_change() -> None:
    found = islice(recurrence.parse("FREQ=WEEKLY").dates(datetime(2026, 10, 19, 9), BERLIN), 2)
    instants = [zones.at_local(one.date(), one.time(), BERLIN) for one in found]
    assert [one.hour for one in instants] == [7, 8]
    assert instants[1] - instants[0] == timedelta(days=7, hours=1)


@pytest.mark.parametrize(
    ("day", "hour", "expected"),
    [
        (datetime(2026, 3, 29), 2, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # left out: an hour later on the wall
        (datetime(2026, 10, 25), 2, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # comes twice: the first
    ],
)
def test_times_that_a_change_of_clocks_leaves_out_or_doubles(day: datetime, hour: int, expected: datetime) -> None:
    assert zones.at_local(day.date(), day.replace(hour=hour, minute=30).time(), BERLIN) == expected
