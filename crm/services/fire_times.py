"""When a schedule fires: cron fields in a time zone, or every so many seconds; and the key that makes a fire unique.

Cron fields mean what crontab means (0 and 7 are Sunday), whatever the calculator behind them calls a weekday.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from crm.errors import BadInput, invalid

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_EXAMPLE = "must be five cron fields such as 0 8 * * mon (minute, hour, day, month, weekday)"


@dataclass(frozen=True, slots=True)
class Timing:
    """Either `cron` with `zone`, or `interval_s`."""

    cron: str
    interval_s: int | None
    zone: str

    def check(self) -> None:
        """Raises BadInput that names the field."""
        if bool(self.cron) == (self.interval_s is not None):
            raise BadInput("Give a schedule either cron fields or an interval in seconds")
        if self.interval_s is not None and self.interval_s < 1:
            raise invalid("intervalS", "must be %(ge)s or more", ge=1)
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            raise invalid("timezone", "must be a time zone such as Europe/Berlin or Asia/Shanghai") from None
        if self.cron and not _ever_fires(self.cron, self.zone):
            raise invalid("cron", "names a day that never comes")

    def between(self, after: datetime, until: datetime, *, limit: int) -> list[datetime]:
        """The first `limit` fires in `(after, until]`, oldest first."""
        fires = self._by_cron(after) if self.cron else self._by_interval(after)
        found = []
        for fire in islice(fires, limit):
            if fire > until:
                break
            found.append(fire)
        return found

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        """The last fire in `(after, until]`; a long silence is not walked through fire by fire."""
        for days in (1, 8, 32, 400):
            begin = max(after, until - timedelta(days=days)) if self.cron else self._shortly_before(after, until)
            if found := self.between(begin, until, limit=100_000):
                return found[-1]
        return None

    def coming(self, moment: datetime, count: int, *, since: datetime) -> list[datetime]:
        """The next `count` fires after `moment`, as jobs: an hour that a clock change repeats does not count twice.

        `since` is when an interval began.
        """
        begin = moment if self.cron or since > moment else self._shortly_before(since, moment)
        found: dict[str, datetime] = {}
        for fire in islice(self._by_cron(begin) if self.cron else self._by_interval(begin), 2 * count + 2):
            if fire > moment:
                found.setdefault(self.key(fire), fire)
        return list(found.values())[:count]

    def key(self, fire: datetime) -> str:
        """The same for two fires that mean the same: one at fixed hours goes by the local date and the hour its
        fields name, so that the hour which a clock change repeats does not fire again; others by the instant.

        Another hour or zone is another fire: who moves a daily schedule to later the same day is heard.
        """
        local = fire.astimezone(ZoneInfo(self.zone))
        minute, hour, *_ = (*self.cron.split(), "*", "*")
        if minute.isdigit() and hour.isdigit():
            return f"{local:%Y-%m-%d}T{int(hour):02}:{int(minute):02} {self.zone}"
        if self.cron and not hour.startswith("*"):
            return f"{local:%Y-%m-%dT%H:%M} {self.zone}"
        return str(int(fire.timestamp()))

    def _by_cron(self, after: datetime) -> Iterator[datetime]:
        if not _ever_fires(self.cron, self.zone):
            return
        trigger = _trigger(self.cron, self.zone)
        fire = trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
        while fire is not None:
            yield fire.astimezone(UTC)
            fire = trigger.get_next_fire_time(fire, fire)

    def _by_interval(self, after: datetime) -> Iterator[datetime]:
        while True:
            after += timedelta(seconds=self.interval_s or 1)
            yield after

    def _shortly_before(self, after: datetime, until: datetime) -> datetime:
        """The instant one step before the last fire, in the rhythm that began at `after`."""
        step = timedelta(seconds=self.interval_s or 1)
        return after + max((until - after) // step - 1, 0) * step


@lru_cache(maxsize=256)
def _trigger(cron: str, zone: str) -> Any:
    fields = cron.split()
    if len(fields) != 5:
        raise invalid("cron", _EXAMPLE)
    minute, hour, day, month, weekday = fields
    if day != "*" and weekday != "*":
        raise invalid("cron", "must name a day of the month or a weekday, not both")
    try:
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=weekdays(weekday), timezone=ZoneInfo(zone)
        )
    except (ValueError, KeyError, TypeError):
        raise invalid("cron", _EXAMPLE) from None


@lru_cache(maxsize=256)
def _ever_fires(cron: str, zone: str) -> bool:
    """False for 31 February, which the calculator seeks in every year to come before it says so."""
    return _trigger(cron, zone).get_next_fire_time(None, _LONG_AGO) is not None


def weekdays(field: str) -> str:
    """`1-5` and `mon-fri` → `mon,tue,wed,thu,fri`; 0 and 7 are Sunday."""
    if field == "*":
        return field
    return ",".join(dict.fromkeys(name for part in field.lower().split(",") for name in _days(part)))


def _days(part: str) -> list[str]:
    match = re.fullmatch(r"(\w+)(?:-(\w+))?(?:/(\d+))?|\*/(\d+)", part)
    if not match:
        raise ValueError(part)
    first, last, step, every = match.groups()
    if every:
        return list(_WEEKDAYS[:: int(every)])
    begin = _number(first)
    end = _number(last) if last else begin
    end += 7 if end < begin else 0
    return [_WEEKDAYS[n % 7] for n in range(begin, end + 1, int(step or 1))]


def _number(day: str) -> int:
    if day.isdigit() and int(day) <= 7:
        return int(day)
    return _WEEKDAYS.index(day[:3])
