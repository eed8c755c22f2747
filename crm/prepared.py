"""Statements that are written once, as text, and filled in by plain values: straight to the driver, nothing between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import BindParameter, Dialect, Select
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import ReturningInsert

Values = Mapping[str, Any]
Statement = Select[Any] | ReturningInsert[Any]


class Slot(int):
    """A number that stands for a value known only when the statement runs: `name` says which."""

    name: str

    def __new__(cls, number: int, name: str) -> Slot:
        made = super().__new__(cls, number)
        made.name = name
        return made


class Prepared:
    """A statement as text, and how its parameters are filled in: by name, in the driver's order.

    Parameters without a value of their own are asked for, and those in `named`; a parameter with a function (the
    present instant) asks it each time.  TypeError for a driver that takes parameters by name (psycopg).
    """

    def __init__(self, statement: Statement, dialect: Dialect, *, named: Collection[str] = ()) -> None:
        if not dialect.positional:
            raise TypeError(f"{dialect.driver} takes its parameters by name")
        asked = {*named, *_without_value(statement)}
        filled = statement.params(dict.fromkeys(asked)) if isinstance(statement, Select) else statement
        compiled: Any = filled.compile(dialect=dialect)
        written = compiled.construct_expanded_state()  # with every list of values written out
        constants, processors = written.parameters, {**compiled._bind_processors, **written.processors}
        self.sql: str = written.statement
        self._plan: list[tuple[str | None, Any, Any]] = []
        self._called: list[tuple[int, Callable[[], Any], Any]] = []
        functions = _functions(statement)
        for place, name in enumerate(written.positiontup or ()):
            constant, convert = constants.get(name), processors.get(name)
            if isinstance(constant, Slot):
                self._plan.append((constant.name, None, None))
            elif name in functions:
                self._plan.append((None, None, None))
                self._called.append((place, functions[name], convert))
            elif name in asked:
                self._plan.append((name, convert, None))
            else:
                self._plan.append((None, None, convert(constant) if convert else constant))

    def arguments(self, values: Values) -> list[Any]:
        """`values` (by name, as Python values) as the driver wants them."""
        filled = [
            constant if name is None else values[name] if convert is None else convert(values[name])
            for name, convert, constant in self._plan
        ]
        for place, function, convert in self._called:
            filled[place] = function() if convert is None else convert(function())
        return filled


def _functions(statement: Statement) -> dict[str, Callable[[], Any]]:
    found = (e for e in visitors.iterate(statement) if isinstance(e, BindParameter) and e.callable)
    return {e.key: e.callable for e in found if e.callable is not None}


def _without_value(statement: Statement) -> set[str]:
    return {e.key for e in visitors.iterate(statement) if isinstance(e, BindParameter) and e.required}
