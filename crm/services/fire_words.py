"""When a schedule fires, in words: the common patterns as people say them, the rest field by field."""

from __future__ import annotations

from babel import dates
from babel.lists import format_list

from crm.errors import BadInput
from crm.i18n import current, gettext
from crm.services.fire_times import Timing, weekdays

#: the longest first
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_WORKING = {"mon", "tue", "wed", "thu", "fri"}
_ORDER = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def in_words(timing: Timing) -> str:
    """`Every weekday at 08:00`, in the language of `crm.i18n.use`; empty where the timing makes no sense."""
    try:
        timing.check()
    except BadInput:
        return ""
    said = _cron(timing.cron) if timing.cron else _every(timing.interval_s or 1)
    return said[:1].upper() + said[1:]


def _every(seconds: int) -> str:
    """The largest unit that divides it: 90 minutes are not 2 hours."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return _steps(seconds // size, unit)


def _steps(count: int, unit: str) -> str:
    one = {
        "day": gettext("every day"),
        "hour": gettext("every hour"),
        "minute": gettext("every minute"),
        "second": gettext("every second"),
    }
    many = {
        "day": gettext("every %(count)s days", count=count),
        "hour": gettext("every %(count)s hours", count=count),
        "minute": gettext("every %(count)s minutes", count=count),
        "second": gettext("every %(count)s seconds", count=count),
    }
    return one[unit] if count == 1 else many[unit]


# ---------------------------------------------------------------------------------------------- cron


def _cron(cron: str) -> str:
    minute, hour, day, month, weekday = cron.split()
    days, times = _days(day, month, weekday), _times(minute, hour)
    if not days or not times:
        return _fields(cron)
    if times[1]:
        return gettext("%(days)s at %(times)s", days=days, times=times[0])
    every_day = (day, month, weekday) == ("*", "*", "*")
    return times[0] if every_day else gettext("%(days)s, %(times)s", days=days, times=times[0])


def _times(minute: str, hour: str) -> tuple[str, bool] | None:
    """What of the day, and whether it is clock times."""
    if _step(minute) and hour == "*":
        return _steps(_step(minute) or 1, "minute"), False
    if not minute.isdigit():
        return None
    if all(part.isdigit() for part in hour.split(",")):
        return _and([_clock(part, minute) for part in sorted(hour.split(","), key=int)]), True
    first, _, last = hour.partition("-")
    if first.isdigit() and last.isdigit():
        known = {"first": _clock(first, minute), "last": _clock(last, minute)}
        return gettext("hourly from %(first)s to %(last)s", **known), False
    if not _step(hour):
        return None
    often = _steps(_step(hour) or 1, "hour")
    if int(minute) == 0:
        return often, False
    return gettext("%(often)s at minute %(minute)s", often=often, minute=int(minute)), False


def _days(day: str, month: str, weekday: str) -> str:
    """Which days; empty for what has no short name."""
    if weekday != "*":
        return _weekdays(weekday) if month == "*" else ""
    if day == "*":
        return gettext("every day") if month == "*" else ""
    if day == "last" and month == "*":
        return gettext("on the last day of every month")
    if not all(part.isdigit() for part in day.split(",")):
        return ""
    if month == "*":
        return gettext("on day %(days)s of every month", days=_and([str(int(d)) for d in day.split(",")]))
    if month.isdigit() and day.isdigit() and 1 <= int(month) <= 12:
        names = dates.get_month_names("abbreviated" if current() == "zh" else "wide", locale=current())  # 1月, January
        name = names[int(month)]
        return gettext("every year on %(day)s %(month)s", day=int(day), month=name)
    return ""


def _weekdays(field: str) -> str:
    chosen = set(weekdays(field).split(","))
    if chosen == _WORKING:
        return gettext("every weekday")
    if chosen == set(_ORDER):
        return gettext("every day")
    names = dates.get_day_names("wide", locale=current())
    return gettext("every %(days)s", days=_and([names[n] for n, day in enumerate(_ORDER) if day in chosen]))


def _fields(cron: str) -> str:
    """Every field that is not left open, by its name."""
    names = (gettext("minute"), gettext("hour"), gettext("day"), gettext("month"), gettext("weekday"))
    told = [f"{name} {value}" for name, value in zip(names, cron.split(), strict=True) if value != "*"]
    return gettext("when it is %(fields)s", fields=_and(told))


def _step(field: str) -> int | None:
    """`*` → 1, `*/15` → 15"""
    if field == "*":
        return 1
    base, _, step = field.partition("/")
    return int(step) if base == "*" and step.isdigit() and int(step) else None


def _clock(hour: str, minute: str) -> str:
    return f"{int(hour):02}:{int(minute):02}"


def _and(parts: list[str]) -> str:
    return "、".join(parts) if current() == "zh" else format_list(parts, locale=current())
