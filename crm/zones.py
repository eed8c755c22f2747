"""Time zones: the system's own, that of a user, and which day it is where."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

_system = ["UTC"]
_QUARTER_S = 900


def use_system_zone(name: str) -> None:
    """Said once by each process at its start, from the setting TIMEZONE."""
    _system[0] = name
    _days_by_zone.cache_clear()


def zone(name: str | None) -> ZoneInfo:
    """The zone of that name; the system's for an empty name, UTC for one that no database of zones knows."""
    try:
        return ZoneInfo(name or _system[0])
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def at_local(day: date, clock: time, place: ZoneInfo) -> datetime:
    """The instant of a wall-clock time.  A time that the change of clocks leaves out is read one hour later, one that
    comes twice is its first.
    """
    return datetime.combine(day, clock, place).astimezone(UTC)


def days_by_zone(moment: datetime) -> tuple[date, str, str]:
    """The earliest day that anybody on earth has at `moment`; the zones that are a day ahead of it, and those that are
    two ahead, each name between commas.  The empty name is the system's zone.
    """
    return _days_by_zone(int(moment.timestamp()) // _QUARTER_S)


@lru_cache(maxsize=8)
def _days_by_zone(quarter: int) -> tuple[date, str, str]:
    """Days begin at full quarters of an hour everywhere."""
    moment = datetime.fromtimestamp(quarter * _QUARTER_S, UTC)
    days = {name: moment.astimezone(zone(name)).date() for name in ("", *sorted(available_timezones()))}
    first = (moment - timedelta(hours=12)).date()
    one, two = ("".join(f"{n}," for n, day in days.items() if (day - first).days == ahead) for ahead in (1, 2))
    return first, f",{one}", f",{two}"
