"""The golden cases of the sales figures as data, and what is read from them at any door."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
_FILE = Path(__file__).parent / "golden.json"
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """`deals` by a name of their own, `steps` in order of time; the rest is what must be found afterwards.

    `forecast`: month → currency → weighted sum; `won`: month in UTC+8 → sum; `open`: currency → [count, sum, without].
    """

    name: str
    deals: dict[str, dict[str, Any]]
    steps: list[dict[str, Any]]
    history: dict[str, list[list[Any]]] = field(default_factory=dict)
    first_entries: dict[str, list[str]] = field(default_factory=dict)
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    forecast: dict[str, dict[str, str]] | None = None
    won: dict[str, str] | None = None
    open: dict[str, list[Any]] | None = None


CASES = [Case(**case) for case in json.loads(_FILE.read_text())]


def forecast(deals: Iterable[Record]) -> dict[str, dict[str, str]]:
    """Σ of the rounded weighted amounts of open deals, by month of the expected close; deals as the API shows them."""
    found: dict[str, dict[str, Decimal]] = {}
    for deal in deals:
        if deal["closedAt"] is None and deal["expectedCloseDate"] and deal["weightedAmount"] is not None:
            month = found.setdefault(deal["expectedCloseDate"][:7], {})
            month[deal["currency"]] = month.get(deal["currency"], Decimal(0)) + Decimal(deal["weightedAmount"])
    return {month: {currency: str(total) for currency, total in sums.items()} for month, sums in found.items()}


def won(deals: Iterable[Record]) -> dict[str, str]:
    """Σ of the won amounts by the month they were closed in, in UTC+8."""
    found: dict[str, Decimal] = {}
    for deal in deals:
        if deal["closedAt"] is not None and deal["probability"] == 1:
            month = f"{datetime.fromisoformat(deal['closedAt']).astimezone(ZONE):%Y-%m}"
            found[month] = found.get(month, Decimal(0)) + Decimal(deal["amount"])
    return {month: str(total) for month, total in found.items()}


def first_entries(history: Iterable[list[Any]]) -> list[str]:
    """The stages in the order of their first entry: a bounce back never counts twice."""
    return list(dict.fromkeys(str(after) for change, _, after, _ in history if change != "amount"))


def check(case: Case, shown: Mapping[str, Record], histories: Mapping[str, list[list[Any]]]) -> None:
    """Hold what a door shows against what the case says."""
    for name, wanted in case.shown.items():
        assert {key: shown[name][key] for key in wanted} == wanted, name
    for name, rows in case.history.items():
        assert histories[name] == rows, name
    for name, stages in case.first_entries.items():
        assert first_entries(histories[name]) == stages, name
    if case.forecast is not None:
        assert forecast(shown.values()) == case.forecast
    if case.won is not None:
        assert won(shown.values()) == case.won
