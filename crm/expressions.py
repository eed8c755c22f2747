"""SQL that both databases compute alike: to the last digit, what is computed whenever it is read; parts of texts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Dialect,
    FromClause,
    ScalarSelect,
    String,
    bindparam,
    exists,
    false,
    literal,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from crm import formats
from crm.columns import Instant, Money, now

CENT = Decimal("0.01")
#: the present instant, and the present day in the reader's zone; asked anew each time a statement runs
NOW = bindparam("now", type_=Instant(), callable_=now)
TODAY = bindparam("today", type_=Date(), callable_=formats.today)


class Behind(ScalarSelect[Any]):
    """`value` from the row of `table` that a foreign key of `rows` points at.

    In a statement that knows nothing of it, a subquery; one that joins `table` itself, `on` this condition, reads
    `value` straight away: once a row instead of once for each such column.
    """

    inherit_cache = True

    def __init__(self, value: ColumnElement[Any], table: FromClause, on: ColumnElement[bool], rows: FromClause) -> None:
        self.value, self.table, self.on, self.rows = value, table, on, rows
        super().__init__(select(value).select_from(table).where(on).correlate(rows))


def asked(made: ColumnElement[Any], question: Callable[[Any], ColumnElement[bool]]) -> ColumnElement[bool]:
    """`question` of a computed value; of one behind a foreign key as EXISTS, which a database turns into a join."""
    if not isinstance(made, Behind):
        return question(made)
    return exists().select_from(made.table).where(made.on, question(made.value)).correlate(made.rows)


#: what databases take as a pattern, with room for both cases of each letter
LONGEST_PART = 1_000


class Pattern(TypeDecorator[str]):
    """Text as `holds` looks for it: `anywhere`, or at the beginning."""

    impl = String
    cache_ok = True

    def __init__(self, anywhere: bool) -> None:  # SQLAlchemy's cache knows arguments by place only
        self.anywhere = anywhere
        super().__init__()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        spell, rest = (_either_case, "*") if dialect.name == "sqlite" else (_literally, "%")
        return f"{rest if self.anywhere else ''}{''.join(map(spell, value))}{rest}"


def _literally(letter: str) -> str:
    return f"\\{letter}" if letter in "\\%_" else letter


def _either_case(letter: str) -> str:
    """SQLite's LIKE knows the two cases of A to Z alone; GLOB takes what it is told."""
    cases = sorted({c for c in (letter, letter.lower(), letter.upper()) if len(c) == 1})
    return f"[{''.join(cases)}]" if len(cases) > 1 or letter in "*?[" else letter


class holds(FunctionElement[bool]):
    """`holds(text, pattern)`: whether the text fits a `Pattern`, whatever the case of its letters."""

    inherit_cache = True
    type = Boolean()


@compiles(holds)
def _ilike(element: Any, compiler: Any, **kw: Any) -> str:
    text, pattern = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({text} ILIKE {pattern})"


@compiles(holds, "sqlite")
def _glob(element: Any, compiler: Any, **kw: Any) -> str:
    text, pattern = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({text} GLOB {pattern})"


def spelt(column: ColumnElement[Any], part: str, *, anywhere: bool) -> ColumnElement[bool]:
    """Whether the text has this part, whatever the case of its letters; never, if it is longer than LONGEST_PART."""
    if len(part) > LONGEST_PART:
        return false()
    return holds(column, literal(part, Pattern(anywhere=anywhere)))


class share_of(FunctionElement[Decimal]):
    """`share_of(amount, fraction)`: money times a Fraction, to the cent, halves away from zero."""

    inherit_cache = True
    type = Money()


@compiles(share_of)
def _numeric(element: Any, compiler: Any, **kw: Any) -> str:
    amount, share = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"round({amount} * {share}, 2)"


@compiles(share_of, "sqlite")
def _scaled(element: Any, compiler: Any, **kw: Any) -> str:
    """Cents times ten-thousandths, in two steps: in one, 64 bits would not hold the largest amounts."""
    amount, share = (f"({compiler.process(clause, **kw)})" for clause in element.clauses)
    whole, rest = f"abs({amount}) / 10000 * {share}", f"(abs({amount}) % 10000 * {share} + 5000) / 10000"
    return f"(CASE WHEN {amount} < 0 THEN -1 ELSE 1 END * ({whole} + {rest}))"


def share(amount: Decimal, fraction: Decimal) -> Decimal:
    """What `share_of` computes, in Python."""
    with localcontext(prec=60):  # twice the longest amount
        return (amount * fraction).quantize(CENT, ROUND_HALF_UP)


class seconds_between(FunctionElement[int]):
    """`seconds_between(start, end)`: whole seconds from one instant to another; fractions of both are left out."""

    inherit_cache = True
    type = BigInteger()


@compiles(seconds_between)
def _interval(element: Any, compiler: Any, **kw: Any) -> str:
    start, end = (f"date_trunc('second', {compiler.process(clause, **kw)})" for clause in element.clauses)
    return f"extract(epoch FROM {end} - {start})::bigint"


@compiles(seconds_between, "sqlite")
def _epochs(element: Any, compiler: Any, **kw: Any) -> str:
    start, end = (f"unixepoch(substr({compiler.process(clause, **kw)}, 1, 19))" for clause in element.clauses)
    return f"({end} - {start})"


def seconds(start: datetime, end: datetime) -> int:
    """What `seconds_between` computes, in Python."""
    return int((end.replace(microsecond=0) - start.replace(microsecond=0)).total_seconds())


def today() -> date:
    """The day that `TODAY` stands for."""
    return formats.today()
