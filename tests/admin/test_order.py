"""The order of lists: steady from page to page, by an index where there is one, alike on both databases."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from starlette.datastructures import QueryParams

from crm.admin import asked, queries
from crm.columns import now
from crm.entity import name_of
from crm.fields import Kind, fields_of, models
from crm.models import Contact, Opportunity, Task
from crm.models.task import TaskPriority
from tests import factories
from tests.admin.conftest import Visitor
from tests.admin.test_export import first, rows
from tests.admin.test_lists import ROW, names, people, statements

__all__ = ["people"]


def test_equal_values_keep_their_order_from_page_to_page(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        for number in range(30):
            factories.make(Task, session, title=f"T{number:02}", priority=TaskPriority.HIGH)
    seen = [n for page in (1, 2) for n in names(admin, f"/task/list?sortBy=priority&page={page}")]
    assert len(seen) == len(set(seen)) == 30


def test_sorting_by_a_related_record_keeps_the_rows_without_one(
    admin: Visitor, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entity = Contact.__entity__
    monkeypatch.setattr(Contact, "__entity__", type(entity)(**{**vars(entity), "sort": (*entity.sort, "customer_id")}))
    for turn in ("asc", "desc"):
        found = names(admin, f"/contact/list?sortBy=customer_id&sort={turn}")
        assert sorted(found) == ["Ann", "Bob", "Cid", "Dan", "Eve"]
        assert found[:2] == (["Bob", "Ann"] if turn == "asc" else ["Ann", "Bob"])


def test_no_sort_asks_for_nulls_last_which_no_index_serves(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        factories.make(Opportunity, session)
    with statements() as seen:
        admin.page("/opportunity/list?sortBy=amount&sort=desc")
    assert not any("NULLS" in s.upper() for s in seen)
    assert any("opportunity.amount DESC, opportunity.id DESC" in s for s in seen)


@pytest.mark.parametrize("model", models(), ids=name_of)
def test_every_order_ends_with_the_key_and_says_nothing_of_nulls(model: type[Any]) -> None:
    """On SQLite equal values come by their key whether they are asked to or not; elsewhere they shuffle.

    Of nothing that an index may serve: names that are looked up and what is computed have none.
    """
    for name in ("", *model.__entity__.sort):
        for turn in ("asc", "desc"):
            wanted = asked.read(model, QueryParams({"sortBy": name, "sort": turn}))
            order = str(queries.ordered(queries.narrowed(model, wanted), model, wanted)).rpartition("ORDER BY")[2]
            assert re.search(rf"{model.__tablename__}\"?\.id (ASC|DESC)$", order), (name, order)
            field = fields_of(model).get(name)
            assert "NULLS" not in order or (field is not None and (field.computed or field.kind is Kind.REFERENCE))


@pytest.mark.parametrize("turn", ["asc", "desc"])
def test_what_has_no_value_comes_last_whichever_way_a_list_is_turned(
    admin: Visitor, as_system: Any, monkeypatch: pytest.MonkeyPatch, turn: str
) -> None:
    monkeypatch.setattr(asked, "SIZES", (3, *asked.SIZES))
    amounts = {"A": 1, "B": None, "C": 3, "D": None, "E": 2, "F": None, "G": None, "H": None}
    with as_system() as session:
        for name, amount in amounts.items():
            value = None if amount is None else Decimal(amount)
            factories.make(Opportunity, session, name=name, amount=value)
    here = f"sortBy=amount&sort={turn}"
    # by the number in the same direction where there is no value
    wanted = ["A", "E", "C", "B", "D", "F", "G", "H"] if turn == "asc" else ["C", "E", "A", "H", "G", "F", "D", "B"]
    pages = [names(admin, f"/opportunity/list?{here}&pageSize=3&page={page}") for page in (1, 2, 3)]
    assert pages == [wanted[:3], wanted[3:6], wanted[6:]]
    assert names(admin, f"/opportunity/list?{here}") == wanted
    assert first(rows(admin, f"/opportunity/export/csv?{here}")) == wanted


def test_a_computed_value_that_is_missing_comes_last_as_well(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        for name, amount in (("A", Decimal(1)), ("B", None), ("C", Decimal(3))):
            factories.make(Opportunity, session, name=name, amount=amount)
    for turn, wanted in (("asc", ["A", "C", "B"]), ("desc", ["C", "A", "B"])):
        assert names(admin, f"/opportunity/list?sortBy=weighted_amount&sort={turn}") == wanted


def test_my_open_tasks_stand_by_when_they_are_due_at_a_time_or_on_a_day(admin: Visitor, as_system: Any) -> None:
    moment, today = now(), date.today()
    due: dict[str, dict[str, Any]] = {
        "some day": {},
        "next week": {"due_at": moment + timedelta(days=7)},
        "in three days": {"due_date": today + timedelta(days=3)},
        "long ago": {"due_at": moment - timedelta(days=9)},
        "last week": {"due_date": today - timedelta(days=7)},
    }
    with as_system() as session:
        for title, values in due.items():
            chosen = {"due_at": None, "due_date": None} | values
            factories.make(Task, session, title=title, assignee_id=admin.user_id, **chosen)
    page = admin.page("/")
    wanted = ["long ago", "last week", "in three days", "next week", "some day"]
    assert [title for title in ROW.findall(page) if title in due] == wanted
    assert page.count('class="late"') == 2
    assert "Due day" not in page
