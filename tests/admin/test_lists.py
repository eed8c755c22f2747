"""Lists: what SQLAdmin's own would lose, count slowly, shuffle or leak."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from starlette.datastructures import QueryParams

from crm.admin import asked, queries
from crm.models import Contact, Customer, Opportunity, Stage, Tag, User
from crm.services import records
from tests import factories
from tests.admin.conftest import Visitor

ROW = re.compile(r'<th scope="row"[^>]*><a href="[^"]*"[^>]*>([^<]*)</a>')


def names(visitor: Visitor, path: str) -> list[str]:
    """The first column of a list, in order."""
    return ROW.findall(visitor.page(path))


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that any engine runs inside the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def people(as_system: Any) -> dict[str, int]:
    """Five contacts, two of them with a customer."""
    with as_system() as session:
        firms = {name: factories.make(Customer, session, name=name).id for name in ("Zeta AG", "Alpha GmbH")}
        chosen = {"Ann": firms["Zeta AG"], "Bob": firms["Alpha GmbH"], "Cid": None, "Dan": None, "Eve": None}
        return firms | {
            name: factories.make(Contact, session, name=name, customer_id=firm, email=f"{name.lower()}@x.org").id
            for name, firm in chosen.items()
        }


def test_filtering_by_a_to_many_relation_shows_each_row_once(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        tags = [factories.make(Tag, session).id for _ in range(2)]
        factories.make(Contact, session, name="Ann", tags=tags)
        wanted = asked.read(Contact, QueryParams(""))
        entity = Contact.__entity__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Contact, "__entity__", type(entity)(**{**vars(entity), "filters": (*entity.filters, "tags")}))
        assert names(admin, f"/contact/list?tags={tags[0]}&tags={tags[1]}") == ["Ann"]
    assert wanted.conditions == ()


def test_the_count_has_no_order_no_columns_and_a_cap(admin: Visitor, people: Any) -> None:
    with statements() as seen:
        admin.page("/contact/list?sortBy=name")
    (count,) = [s for s in seen if "count(*)" in s and "contact" in s]
    assert "ORDER BY" not in count
    assert "contact.email" not in count
    assert "LIMIT" in count


def test_beyond_the_cap_the_list_says_so_and_counts_all_when_asked(
    admin: Visitor, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "CAP", 3)
    page = admin.page("/contact/list")
    assert "1–5 of 3+" in page
    assert "count=exact" in page
    assert "1–5 of 5" in admin.page("/contact/list?count=exact")


def test_a_page_beyond_the_end_shows_the_last_one(admin: Visitor, as_system: Any, monkeypatch: Any) -> None:
    with as_system() as session:
        for number in range(30):
            factories.make(Tag, session, name=f"tag {number:02}")
    assert len(names(admin, "/tag/list?page=99999999999")) == 5
    assert len(names(admin, "/tag/list?page=-3")) == 25
    monkeypatch.setattr(queries, "CAP", 10)
    assert len(names(admin, "/tag/list?page=2")) == 5
    assert len(names(admin, "/tag/list?page=77")) == 5


def test_no_page_is_larger_than_a_hundred_rows(admin: Visitor, people: Any) -> None:
    assert "Rows: 100" in admin.page("/contact/list?pageSize=100000")
    assert "Rows: 25" in admin.page("/contact/list?pageSize=33")


def test_a_new_search_sort_or_filter_leads_back_to_the_first_page(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        for number in range(60):
            factories.make(Tag, session, name=f"tag {number:02}")
    page = admin.page("/tag/list?page=2&sortBy=name")
    assert '<input type="hidden" name="page"' not in page
    links = [link for link in re.findall(r'href="(/admin/tag/list[^"]*)"', page) if "page=" in link]
    assert {re.sub(r"\?.*?(page=\d)", r"\1", link) for link in links} >= {"/admin/tag/listpage=1"}
    assert not any("page=2" in link for link in links)


def test_the_number_of_statements_does_not_grow_with_the_rows(admin: Visitor, as_system: Any) -> None:
    def add(count: int) -> None:
        with as_system() as session:
            for number in range(count):
                customer = factories.make(Customer, session)
                owner = factories.user(session).id
                deal = {"name": f"Deal {number}", "customer_id": customer.id, "owner_id": owner, "amount": Decimal(1)}
                factories.make(Opportunity, session, **deal)

    add(2)
    admin.page("/opportunity/list")  # rights are loaded once
    with statements() as few:
        admin.page("/opportunity/list")
    add(10)
    with statements() as many:
        admin.page("/opportunity/list")
    assert len(many) == len(few) <= 20


def test_what_is_typed_into_the_search_means_itself(admin: Visitor, people: Any, as_system: Any) -> None:
    assert names(admin, "/contact/list?search=%25") == []
    assert names(admin, "/contact/list?search=_nn") == []
    assert names(admin, "/contact/list?search=ann") == ["Ann"]
    with as_system() as session:
        for name in ("100% sure", "not sure"):
            factories.make(Tag, session, name=name)
    assert names(admin, "/tag/list?search=%25") == ["100% sure"]
    assert names(admin, "/contact/list?search=") == ["Eve", "Dan", "Cid", "Bob", "Ann"]


def test_two_chinese_characters_are_found(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        factories.make(Contact, session, name="欧阳晓明")
        factories.make(Contact, session, name="陈伟")
    assert names(admin, "/contact/list?search=晓明") == ["欧阳晓明"]


def test_filters_fit_the_type_of_their_field(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        pipeline = factories.default_pipeline(session)
        stages = [factories.make(Stage, session, pipeline_id=pipeline.id, position=n).id for n in (7, 8)]
        for number, amount in enumerate((None, Decimal("10.50"), Decimal(2000))):
            values = {
                "name": f"D{number}",
                "amount": amount,
                "pipeline_id": pipeline.id,
                "stage_id": stages[number % 2],
            }
            factories.make(Opportunity, session, **values)
        session.query(Opportunity).filter_by(name="D1").one().created_at = datetime(2020, 5, 1, 23, 30, tzinfo=UTC)
    found = {
        "amount__gte=10.5": ["D2", "D1"],
        "amount__lte=10.5": ["D1"],
        "amount__null=true": ["D0"],
        "amount__null=false": ["D2", "D1"],
        f"stage_id={stages[1]}": ["D1"],
        f"stage_id={stages[1]}&stage_id={stages[0]}": ["D2", "D0", "D1"],
        "name__contains=d1": ["D1"],
        "name__starts=D": ["D2", "D0", "D1"],
        "name=D2": ["D2"],
        "type=new&type=renewal": ["D2", "D0", "D1"],
        "type=renewal": [],
        "created_at__lte=2020-05-01": ["D1"],
        "created_at__lte=2020-04-30": [],
        "created_at=2020-05-01": ["D1"],
    }
    for query, expected in found.items():
        assert sorted(names(admin, f"/opportunity/list?{query}")) == sorted(expected), query


def test_a_day_is_meant_in_the_readers_time_zone(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        late = factories.make(Contact, session, name="Late").id
        session.get(Contact, late).created_at = datetime(2020, 5, 1, 23, 30, tzinfo=UTC)
        records.update(session, session.get(User, admin.user_id), {"timezone": "Asia/Shanghai"})
    assert names(admin, "/contact/list?created_at__gte=2020-05-02&created_at__lte=2020-05-02") == ["Late"]
    assert names(admin, "/contact/list?created_at__lte=2020-05-01") == []


def test_a_filter_that_makes_no_sense_matches_nothing(admin: Visitor, people: Any) -> None:
    for query in ("customer_id=abc", "do_not_contact=perhaps", "created_at__gte=yesterday"):
        assert names(admin, f"/contact/list?{query}") == []


def test_every_set_filter_is_a_chip_that_can_be_removed(admin: Visitor, people: Any) -> None:
    firm = people["Zeta AG"]
    page = admin.page(f"/contact/list?customer_id={firm}&name__contains=An&search=ann")
    assert "Zeta AG" in page
    assert f"/admin/contact/list?customer_id={firm}&search=ann" in page
    assert "/admin/contact/list?name__contains=An&search=ann" in page
