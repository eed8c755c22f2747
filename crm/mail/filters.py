"""What a template that people wrote may do with a value: filters, tests, and how a bare value is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from markupsafe import Markup, escape

from crm import formats
from crm.i18n import gettext
from crm.names import words


def shown(value: Any) -> Any:
    """A value as the reader's language writes it; nothing at all for what is unknown."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, StrEnum):
        return gettext(words(str(value)))
    if isinstance(value, datetime):
        return formats.moment(value)
    if isinstance(value, date):
        return formats.day(value)
    return formats.number(value) if isinstance(value, Decimal) else value


def day(value: Any) -> str:
    """18 Dec 2026; an instant in the zone of the mail."""
    if isinstance(value, datetime):
        value = value.astimezone(formats.zone()).date()
    return formats.day(value) if isinstance(value, date) else ""


def money(value: Any, currency: str = "") -> str:
    """¥1,250.50"""
    return formats.money(_number(value), currency) if value is not None else ""


def percent(value: Any) -> str:
    """A share from 0 to 1: 12.5%"""
    return formats.percent(_number(value)) if value is not None else ""


def _number(value: Any) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation:
        raise ValueError(f"'{str(value)[:40]}' is not a number") from None


def default(value: Any, instead: Any = "") -> Any:
    """`instead` where there is nothing to show."""
    return instead if value is None or value == "" else value


def paragraphs(value: Any) -> Markup:
    """Line ends of a text kept in HTML."""
    return Markup("<br>").join(escape(line) for line in str(shown(value)).splitlines())


def truncate(value: Any, length: int = 255) -> str:
    """At most `length` characters."""
    text = str(shown(value))
    return text if len(text) <= length else f"{text[: max(0, length - 1)]}…"


def _text(change: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: change(str(shown(value)))


FILTERS: dict[str, Callable[..., Any]] = {
    "capitalize": _text(str.capitalize),
    "date": day,
    "default": default,
    "length": len,
    "lower": _text(str.lower),
    "money": money,
    "paragraphs": paragraphs,
    "percent": percent,
    "title": _text(str.title),
    "trim": _text(str.strip),
    "truncate": truncate,
    "upper": _text(str.upper),
}
TESTS = frozenset({"none", "defined", "eq", "ne", "gt", "ge", "lt", "le", "in", "true", "false"})
