"""Dates, times, numbers and money as people of the current language write them; the zone is set per request."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import dates, numbers

from crm.columns import now
from crm.i18n import current, gettext

_SYMBOLS = {"USD": "$", "CNY": "¥", "EUR": "€", "GBP": "£"}
_DAY = {"en": "d MMM y", "zh": "y-MM-dd"}
_MOMENT = {"en": "d MMM y, HH:mm", "zh": "y-MM-dd HH:mm"}
_LONG_DAY = {"en": "EEEE d MMMM y", "zh": "y 年 M 月 d 日 EEEE"}

_zone: ContextVar[str] = ContextVar("crm_zone", default="UTC")


def use_zone(name: str) -> None:
    """Show instants in this time zone from here on; unknown or empty names mean UTC."""
    try:
        _known(name)
    except (KeyError, ValueError, OSError):
        name = "UTC"
    _zone.set(name)


@lru_cache(maxsize=64)
def _known(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def zone() -> ZoneInfo:
    """The zone of `use_zone`."""
    return _known(_zone.get())


def today() -> date:
    """The present day in the reader's zone."""
    return now().astimezone(zone()).date()


def day(value: date) -> str:
    """18 Dec 2026; 2026-12-18"""
    return dates.format_date(value, _DAY[current()], locale=current())


def long_day(value: date) -> str:
    """Friday 18 December 2026; 2026 年 12 月 18 日 星期五"""
    return dates.format_date(value, _LONG_DAY[current()], locale=current())


def moment(value: datetime) -> str:
    """An instant in the reader's zone: 18 Dec 2026, 14:05; 2026-12-18 14:05"""
    return dates.format_datetime(value, _MOMENT[current()], tzinfo=zone(), locale=current())


def clock(value: datetime) -> str:
    """14:05 in the reader's zone."""
    return dates.format_datetime(value, "HH:mm", tzinfo=zone(), locale=current())


def ago(value: datetime) -> str:
    """Today 14:05, Yesterday 09:30, else the instant."""
    when = value.astimezone(zone()).date()
    if when == today():
        return f"{gettext('Today')} {clock(value)}"
    if when == today() - timedelta(days=1):
        return f"{gettext('Yesterday')} {clock(value)}"
    return moment(value)


def number(value: int | Decimal) -> str:
    """1,234.5"""
    return numbers.format_decimal(value, locale=current(), decimal_quantization=False)


def duration(seconds: int) -> str:
    """A time span in its largest fitting unit: 3 days, 5 hours, 12 minutes."""
    return str(dates.format_timedelta(timedelta(seconds=seconds), threshold=1.5, locale=current()))


def percent(value: Decimal) -> str:
    """A share from 0 to 1: 12.5%"""
    return numbers.format_percent(value, "#,##0.##%", locale=current())


def size(octets: int) -> str:
    """732 B, 1.5 KB, 24 MB"""
    value, units = Decimal(octets), ["B", "KB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1024, units[1:]
    digits = "0.#" if value < 10 and units[0] != "B" else "0"
    return f"{numbers.format_decimal(value, digits, locale=current())} {units[0]}"


def listed(texts: Iterable[str]) -> str:
    """Contacts, tasks and files side by side: `a, b`, in Chinese `a、b`."""
    return ("、" if current() == "zh" else ", ").join(texts)


def money(amount: Decimal, currency: str = "") -> str:
    """$486,000; ¥1,250.50; SEK 900; decimals only where there are any."""
    whole = amount == amount.to_integral_value()
    digits = numbers.format_decimal(abs(amount), "#,##0" if whole else "#,##0.00", locale=current())
    sign = "-" if amount < 0 else ""
    symbol = _SYMBOLS.get(currency)
    if symbol:
        return f"{sign}{symbol}{digits}"
    return f"{currency} {sign}{digits}" if currency else f"{sign}{digits}"
