"""Recurrence rules (RFC 5545, RRULE): what may be said, and the days and wall-clock times that follow from it.

A rule knows nothing of zones: it is reckoned in local wall-clock time, so that nine o'clock stays nine o'clock when the
clocks change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule

from crm.errors import invalid

#: how often a rule may repeat: unit → the largest INTERVAL
UNITS: Mapping[str, int] = {"DAILY": 366, "WEEKLY": 104, "MONTHLY": 120, "YEARLY": 10}
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOST = 1000
#: a rule that gives nothing for so long gives nothing at all; 29 February comes every twentieth time each ten years
_HORIZON = timedelta(days=366 * 45)
_LAST_YEAR = 9000
_EXAMPLE = "must be a recurrence rule such as FREQ=WEEKLY;BYDAY=MO"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that has been read; `text` is its tidy form, `days` holds (ordinal or 0, weekday from Monday 0)."""

    text: str
    unit: str
    interval: int = 1
    count: int | None = None
    until: date | datetime | None = None
    days: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = 0

    def dates(
        self, begin: datetime, zone: ZoneInfo, *, after: datetime | None = None, counted: bool = True
    ) -> Iterator[datetime]:
        """Wall-clock times from `begin` on (or later than `after`), without a zone, in order.

        `zone` is for an UNTIL given in UTC.  `counted=False`: COUNT is left to the caller.
        """
        first = max(begin, after or begin)
        last = first + _HORIZON if first.year < _LAST_YEAR else first
        until = self._until(zone)
        found: Iterator[datetime] = iter(self._rrule(begin, min(last, until) if until else last))
        if counted and self.count is not None:
            found = islice(found, self.count)
        return (one for one in found if after is None or one > after)

    def _until(self, zone: ZoneInfo) -> datetime | None:
        if isinstance(self.until, datetime):
            return self.until.astimezone(zone).replace(tzinfo=None) if self.until.tzinfo else self.until
        return None if self.until is None else datetime.combine(self.until, time.max)

    def _rrule(self, begin: datetime, until: datetime) -> Any:
        month_days, positions, months = self.month_days, self.positions, self.months
        if not (month_days or self.days or positions) and begin.day > 28:
            month_days, positions, months = self._clipped(begin)
        return rrule.rrule(
            getattr(rrule, self.unit),
            dtstart=begin,
            interval=self.interval,
            wkst=self.week_start,
            until=until,
            bysetpos=positions or None,
            bymonth=months or None,
            bymonthday=month_days or None,
            byweekday=[rrule.weekday(day, nth or None) for nth, day in self.days] or None,
        )

    def _clipped(self, begin: datetime) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """The 31st of each month is its last day where it has no 31st: the RFC would leave such months out."""
        monthly = self.unit == "MONTHLY"
        if not monthly and not (self.unit == "YEARLY" and begin.month == 2 and not self.months):
            return self.month_days, self.positions, self.months
        return tuple(range(28, begin.day + 1)), (-1,), self.months if monthly else (2,)


@lru_cache(maxsize=512)
def parse(text: str) -> Rule:
    """Read a rule; BadInput (field `rrule`) says what is wrong with it.  A leading `RRULE:` is taken off."""
    parts = _parts(text)
    unit = parts.pop("FREQ", "")
    if unit not in UNITS:
        raise invalid("rrule", "must repeat daily, weekly, monthly or yearly: FREQ=WEEKLY")
    values: dict[str, Any] = {}
    for name, said in parts.items():
        if name not in _READ:
            raise invalid("rrule", "cannot be given %(part)s here", part=name)
        attribute, read = _READ[name]
        try:
            values[attribute] = read(said)
        except (ValueError, OverflowError):
            raise invalid("rrule", "has a wrong %(part)s: %(value)s", part=name, value=said) from None
    made = Rule(f"FREQ={unit}" + "".join(f";{name}={said}" for name, said in parts.items()), unit, **values)
    _check(made)
    return made


def _parts(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").rstrip(";").split(";"):
        name, equals, value = part.strip().partition("=")
        if not equals or not value or name in found:
            raise invalid("rrule", _EXAMPLE)
        found[name] = value.strip()
    return found


def _check(rule: Rule) -> None:
    if not 1 <= rule.interval <= UNITS[rule.unit]:
        raise invalid("rrule", "must have an INTERVAL from 1 to %(most)s", most=UNITS[rule.unit])
    if rule.count is not None and rule.until is not None:
        raise invalid("rrule", "may end by COUNT or by UNTIL, not by both")
    if any(nth for nth, _ in rule.days) and rule.unit not in ("MONTHLY", "YEARLY"):
        raise invalid("rrule", "may count weekdays, such as 2MO, only in a month or year")
    whole = Rule(rule.text, rule.unit, 1, None, None, rule.days, rule.month_days, rule.months, rule.positions)
    if next(whole.dates(datetime(2024, 1, 1), ZoneInfo("UTC")), None) is None:
        raise invalid("rrule", "gives no day at all")


def _number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,4}", text) or not low <= int(text) <= high or int(text) == 0:
            raise ValueError(text)
        return int(text)

    return read


def _numbers(low: int, high: int) -> Callable[[str], tuple[int, ...]]:
    one = _number(low, high)
    return lambda text: tuple(sorted({one(part) for part in text.split(",")}))


def _days(text: str) -> tuple[tuple[int, int], ...]:
    found = set()
    for part in text.split(","):
        match = re.fullmatch(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)", part)
        if match is None:
            raise ValueError(part)
        found.add((int(match[1] or 0), DAYS.index(match[2])))
    return tuple(sorted(found))


def _end(text: str) -> date | datetime:
    """`20261130`, `20261130T090000` (local) or `20261130T090000Z`"""
    if not re.fullmatch(r"[0-9]{8}(T[0-9]{6}Z?)?", text) or not 1 < int(text[:4]) < _LAST_YEAR:
        raise ValueError(text)
    if len(text) == 8:
        return datetime.strptime(text, "%Y%m%d").date()
    made = datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")
    return made.replace(tzinfo=UTC) if text.endswith("Z") else made


_READ: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "INTERVAL": ("interval", _number(1, 9999)),
    "COUNT": ("count", _number(1, MOST)),
    "UNTIL": ("until", _end),
    "BYDAY": ("days", _days),
    "BYMONTHDAY": ("month_days", _numbers(-31, 31)),
    "BYMONTH": ("months", _numbers(1, 12)),
    "BYSETPOS": ("positions", _numbers(-31, 31)),
    "WKST": ("week_start", DAYS.index),
}
