"""The rows of the four files, each checked by itself; a wrong one becomes a problem, not an end."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

from crm.errors import BadInput
from crm.legible import legible
from seeds.dataset.report import Problem

Cells = dict[str, str]
Read = TypeVar("Read")
MILLION = 1_000_000
#: the whole part that fits into a Money column
_LARGEST = Decimal(10) ** 16
#: the data's names of what became of a deal → open, won, lost
OUTCOMES = {"in_progress": "open", "won": "won", "lost": "lost"}


class WrongRow(Exception):
    """The row cannot be loaded; the text is the reason, in a sentence."""


@dataclass(frozen=True, slots=True)
class Account:
    line: int
    name: str
    revenue: Decimal | None
    employees: int | None


@dataclass(frozen=True, slots=True)
class Item:
    """A product with its list price."""

    line: int
    name: str
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Agent:
    line: int
    name: str
    manager: str
    office: str


@dataclass(frozen=True, slots=True)
class Deal:
    """`name` is its number; `outcome` is open, won or lost; `closed` and `value` are None where the data has none."""

    line: int
    name: str
    account: str
    agent: str
    product: str
    outcome: str
    created: datetime
    closed: datetime | None
    value: Decimal | None


def account(cells: Cells, line: int) -> Account:
    revenue, employees = _number(cells, "revenue"), _number(cells, "employees")
    if employees is not None and employees >= 2**31:
        raise WrongRow("employees is too large a number.")
    whole = None if employees is None else int(employees)
    return Account(line, _text(cells, "account"), None if revenue is None else revenue * MILLION, whole)


def item(cells: Cells, line: int) -> Item:
    return Item(line, _text(cells, "product"), _number(cells, "sales_price"))


def agent(cells: Cells, line: int) -> Agent:
    return Agent(line, _text(cells, "sales_agent"), _text(cells, "manager"), _text(cells, "regional_office"))


def deal(cells: Cells, line: int) -> Deal:
    """A closed deal needs its day, an open one has none; the value of a lost one, 0, means no amount."""
    outcome = OUTCOMES.get(cells["deal_stage"].lower())
    if outcome is None:
        raise WrongRow(f"the stage '{cells['deal_stage']}' is not one of Won, Lost, In_Progress.")
    created, closed = _day(cells, "created_on"), _day(cells, "close_date")
    if created is None:
        raise WrongRow("created_on is missing.")
    if (closed is None) != (outcome == "open"):
        raise WrongRow("the close date is missing." if closed is None else "an open deal has no close date.")
    if closed is not None and closed < created:
        raise WrongRow("the deal is closed before it is created.")
    value = _number(cells, "close_value")
    if outcome == "lost" and value == 0:
        value = None
    number, seller, product = (_text(cells, name) for name in ("opportunity_id", "sales_agent", "product"))
    return Deal(line, number, cells["account"], seller, product, outcome, created, closed, value)


def read(
    folder: Path, file: str, columns: tuple[str, ...], make: Callable[[Cells, int], Read]
) -> Iterator[Read | Problem]:
    """Each row of a file, made by `make`, or the problem that it is.  BadInput for a file that is none of ours.

    A row is one line: so a quotation mark that is never closed spoils its own line only.
    """
    try:
        with (folder / file).open(encoding="utf-8-sig", errors="replace", newline="\n") as lines:
            head = [name.strip() for name in next(csv.reader([lines.readline()]), [])]
            if missing := [name for name in columns if name not in head]:
                raise BadInput("%(file)s has no column %(names)s", file=file, names=", ".join(missing))
            for number, line in enumerate(lines, start=2):
                if line.strip():
                    yield _one(file, number, head, line, make)
    except OSError as error:
        raise BadInput("%(file)s cannot be read: %(why)s", file=folder / file, why=error.strerror) from None


def _one(file: str, number: int, head: list[str], line: str, make: Callable[[Cells, int], Read]) -> Read | Problem:
    try:
        return make(dict(zip(head, _cells(line, len(head)), strict=True)), number)
    except WrongRow as wrong:
        return Problem(file, number, str(wrong))


def _cells(line: str, count: int) -> list[str]:
    if "\ufffd" in line or "\0" in line:
        raise WrongRow("it is not text in UTF-8.")
    try:
        [cells] = csv.reader([line.rstrip("\r\n")], strict=True)
    except csv.Error:
        raise WrongRow("a quotation mark is not closed.") from None
    if len(cells) != count:
        raise WrongRow(f"it has {len(cells)} cell{'' if len(cells) == 1 else 's'} where the head has {count}.")
    return [legible(cell).strip() for cell in cells]


def _text(cells: Cells, name: str) -> str:
    if not cells[name]:
        raise WrongRow(f"{name} is missing.")
    if len(cells[name]) > 80:
        raise WrongRow(f"{name} has more than 80 characters.")
    return cells[name]


def _number(cells: Cells, name: str) -> Decimal | None:
    if not cells[name]:
        return None
    try:
        value = Decimal(cells[name])
    except InvalidOperation:
        raise WrongRow(f"{name} '{cells[name]}' is not a number.") from None
    if not value.is_finite() or not 0 <= value < _LARGEST / MILLION:
        raise WrongRow(f"{name} '{cells[name]}' is not an amount.")
    return value


def _day(cells: Cells, name: str) -> datetime | None:
    """Midnight UTC of a day; the data has no hours."""
    if not cells[name]:
        return None
    try:
        day = date.fromisoformat(cells[name])
    except ValueError:
        raise WrongRow(f"{name} '{cells[name]}' is not a date such as 2017-05-06.") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
