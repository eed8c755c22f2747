"""Every filter of every entity, with every odd value: the database takes it, or nothing is asked of it at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import false, or_, select
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from crm.actor import system
from crm.admin.filters import conditions, filterable, shape
from crm.db import Database
from crm.entity import name_of
from crm.fields import models
from crm.models import Tag

ODD = (
    *("abc", "-1", "0", "1" + "0" * 30, "9223372036854775807", "2147483648", "99999999999999.999"),
    *("\x00", "a\x00b", "%", "_", "\\", "'", "[]", "é" * 300, "x" * 60_000, "\ud800", "true", "１２", "open"),
    *("NaN", "Infinity", "1e400", "9999-12-31", "0001-01-01", "2026-02-30"),
    *("2026-01-01T00:00", "2026-01-01T00:00+99:00"),
)


def _every(model: type[Any]) -> Iterator[tuple[str, str]]:
    for field in filterable(model):
        for op in shape(field)[1]:
            yield from ((f"{field.name}__{op}" if op else field.name, value) for value in ODD)


async def test_no_value_of_any_filter_is_more_than_the_database_takes(database: Database) -> None:
    async with database.read_only_async(system("test")) as session:
        asked = await session.run_sync(_ask_all)
    await database.dispose_async()
    assert asked > 500, "the odd values should reach the database somewhere"


def _ask_all(session: Session) -> int:
    """Through the panel's own driver, which is strict about types; twenty at a time."""
    asked = 0
    for model in models():
        clauses = [
            condition.clause
            for name, value in _every(model)
            for condition in conditions(model, QueryParams([(name, value)]), ZoneInfo("Pacific/Kiritimati"))
            if not condition.clause.compare(false())
        ]
        for first in range(0, len(clauses), 20):
            session.execute(select(model.id).where(or_(*clauses[first : first + 20])).limit(1)).all()
        asked += len(clauses)
    return asked


@pytest.mark.parametrize("name", ["opportunity", "contact", "task"])
def test_a_condition_leaves_a_trace_or_stands_for_nothing(name: str) -> None:
    model = next(m for m in models() if name_of(m) == name)
    for key, value in _every(model):
        found = conditions(model, QueryParams([(key, value)]), ZoneInfo("UTC"))
        assert len(found) == (1 if value.replace("\x00", "").strip() not in ("", "\ud800") else 0)


def test_a_part_of_a_text_is_found_whatever_the_case_of_its_letters(database: Database) -> None:
    with database.transaction(system("test")) as session:
        session.add_all([Tag(name=name) for name in ("Müller", "MÜLLER", "[sic]", "100%")])
    with database.read_only(system("test")) as session:
        for key, part, found in (
            ("name__contains", "üll", ["MÜLLER", "Müller"]),
            ("name__contains", "[SIC]", ["[sic]"]),
            ("name__contains", "0%", ["100%"]),
            ("name__starts", "mü", ["MÜLLER", "Müller"]),
            ("name__starts", "ü", []),
        ):
            (condition,) = conditions(Tag, QueryParams([(key, part)]), ZoneInfo("UTC"))
            assert sorted(session.scalars(select(Tag.name).where(condition.clause))) == found
