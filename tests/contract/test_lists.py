"""What every list of the registry understands: filters, sort, paging by number and by key, fields, include."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from crm.api.filters import operators_of
from crm.api.query import filterable, includable, sortable
from crm.api.resources import address
from crm.entity import entity_of, name_of
from crm.fields import Field, Kind, fields_of
from tests.contract.stage import on_one_database
from tests.factories import REACHED, WRITTEN, as_json, make, sample

each_reached = pytest.mark.parametrize("model", REACHED, ids=name_of)
each_written = pytest.mark.parametrize("model", WRITTEN, ids=name_of)
#: operators that take any text
PARTS = ("contains", "starts")
TRIES: dict[Kind, tuple[str, str]] = {
    Kind.INTEGER: ("3", "x"),
    Kind.REFERENCE: ("3", "-"),
    Kind.REFERENCES: ("3", "one"),
    Kind.MONEY: ("1000.50", "1e3"),
    Kind.FRACTION: ("0.25", "half"),
    Kind.QUANTITY: ("1.5", "many"),
    Kind.BOOLEAN: ("true", "1"),
    Kind.DATE: ("2026-11-30", "2026-13-01"),
    Kind.INSTANT: ("2026-11-30T09:00:00Z", "2026-11-30T09:00:00"),
    Kind.CHOICE: ("", "no such choice"),
}


def _tries(field: Field) -> tuple[str, str]:
    """A text that fits the field, and one that does not."""
    good, bad = TRIES.get(field.kind, ("100%_\\", "\x00"))
    return (next(iter(field.choices)) if field.choices else good), bad


def _filters(model: type[Any]) -> Iterator[tuple[str, str, str, str]]:
    """Operator, name, a text that fits and one that does not, of every filter."""
    for field in filterable(model).values():
        good, bad = _tries(field)
        for operator in operators_of(field):
            name = field.json if operator == "eq" else f"{field.json}[{operator}]"
            yield (operator, name, "true", "maybe") if operator == "null" else (operator, name, good, bad)


@each_reached
def test_every_declared_filter_works(model: type[Any], admin: Any) -> None:
    """Those of one operator are clauses of one statement; what looks for parts of a text meets every row alone."""
    together: dict[str, list[str]] = {}
    for operator, name, good, _ in _filters(model):
        together.setdefault(name if operator in PARTS else operator, []).append(f"{quote(name)}={quote(good)}")
    for asked in together.values():
        answer = admin.get(f"{address(model)}?{'&'.join(asked)}")
        assert answer.status_code == 200, (asked, answer.text)


@each_reached
@on_one_database
def test_a_filter_refuses_what_does_not_fit(model: type[Any], admin: Any) -> None:
    """Before the database is asked."""
    path = address(model)
    for operator, name, _, bad in _filters(model):
        if operator not in PARTS:
            wrong = admin.get(f"{path}?{quote(name)}={quote(bad)}")
            assert wrong.status_code == 400, (name, wrong.text)
            assert wrong.json()["errors"][0]["field"] == name
    for field in filterable(model).values():
        assert admin.get(f"{path}?{field.json}[near]=1").status_code == 400


@each_reached
def test_only_declared_names_are_understood(model: type[Any], admin: Any) -> None:
    path = address(model)
    for query in ("nonsense=1", "sort=nonsense", "fields=nonsense", "include=nonsense", "cursor=bm9uc2Vuc2U", "page=0"):
        answer = admin.get(f"{path}?{query}")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == query.partition("=")[0]
    for query in ("pageSize=201", "pageSize=x", "page=1&page=2", "cursor=&page=2", "%ff=1", "page=99999999999"):
        assert admin.get(f"{path}?{query}").status_code == 400, query
    if not entity_of(model).search:
        assert admin.get(f"{path}?search=x").status_code == 400


@each_reached
def test_every_declared_sort_works_in_both_directions(model: type[Any], admin: Any) -> None:
    for name in sortable(model):
        for order in (name, f"-{name}", f"{name},-id" if name != "id" else "id"):
            assert admin.get(f"{address(model)}?sort={order}").status_code == 200, order


@each_written
def test_a_filter_finds_exactly_the_rows_it_names(model: type[Any], admin: Any, system_session: Any) -> None:
    with system_session() as session:
        mine = ",".join(str(make(model, session).id) for _ in range(3))
    rows = admin.data(f"{address(model)}?id[in]={mine}")["list"]
    assert len(rows) == 3
    for field in filterable(model).values():
        if field.name == "id" or field.kind in (Kind.REFERENCES, Kind.DOCUMENT):
            continue
        for row in rows:
            value = row[field.json]
            text = "true" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            name = f"{field.json}[null]" if value is None else field.json
            found = admin.data(f"{address(model)}?id[in]={mine}&{quote(name)}={quote(text)}")
            expected = {other["id"] for other in rows if other[field.json] == value}
            assert {other["id"] for other in found["list"]} == expected, (field.name, value)
            assert found["pagination"]["total"] == len(expected)


@each_written
def test_paging_by_number_and_by_key_visits_every_row_once(model: type[Any], admin: Any, system_session: Any) -> None:
    empty = [f.name for f in fields_of(model).values() if f.nullable and f.name in entity_of(model).form]
    blank = {name: None for name in empty if name in entity_of(model).sort}
    with system_session() as session:
        made = [make(model, session, **(blank if i % 2 else {})).id for i in range(6)]
    path = f"{address(model)}?fields=id&pageSize=2&id[in]={','.join(map(str, made))}"
    for name in sortable(model):
        for order in (name, f"-{name}"):
            by_number = [row for page in range(1, 5) for row in _page(admin, f"{path}&sort={order}&page={page}", page)]
            assert len(by_number) == 6
            assert set(by_number) == set(made)
            if fields_of(model)[sortable(model)[name]].computed:
                refused = admin.get(f"{path}&sort={order}&cursor=")
                assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "sort")
            else:
                assert _by_key(admin, f"{path}&sort={order}") == by_number, order


def _page(admin: Any, path: str, page: int) -> list[int]:
    data = admin.data(path)
    assert data["pagination"] == {"total": 6, "current": page, "pageSize": 2, "totalPages": 3}
    return [row["id"] for row in data["list"]]


def _by_key(admin: Any, path: str) -> list[int]:
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        data = admin.data(f"{path}&cursor={cursor}")
        found += [row["id"] for row in data["list"]]
        cursor = data["pagination"]["nextCursor"]
        assert len(found) <= 6
    return found


@each_written
def test_fields_and_include_shape_the_answer(model: type[Any], admin: Any, system_session: Any) -> None:
    with system_session() as session:
        body = as_json(model, sample(model, session))
    record = admin.post(address(model), body).json()["data"]
    path = f"{address(model)}/{record['id']}"
    for field in fields_of(model).values():
        assert admin.data(f"{path}?fields={field.json}") == {"id": record["id"], field.json: record[field.json]}
    for name, field in includable(model).items():
        shown = admin.data(f"{path}?include={name}")
        key = shown.pop(field.json)
        related = shown.pop(name)
        assert (related is None) == (key is None), name
        assert related is None or related["id"] == key
        listed = admin.data(f"{address(model)}?include={name}&fields=id&id={record['id']}")["list"]
        assert listed == [{"id": record["id"], name: related}]
