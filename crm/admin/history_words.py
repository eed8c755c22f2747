"""What the history of a deal keeps as text, as people read it: sums, days and chances in the reader's way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from crm import formats
from crm.i18n import gettext


def side(change: str, text: str) -> str:
    """One side of a change; the stages that every installation begins with are known in both languages."""
    try:
        return _TOLD_AS[change](text) if change in _TOLD_AS else gettext(text)
    except (ValueError, ArithmeticError):
        return text


def _money(text: str) -> str:
    amount, _, currency = text.partition(" ")
    return formats.money(Decimal(amount), currency)


_TOLD_AS: dict[str, Callable[[str], str]] = {
    "amount": _money,
    "close_date": lambda text: formats.day(date.fromisoformat(text)),
    "probability": lambda text: formats.percent(Decimal(text)),
}
