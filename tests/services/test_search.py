"""One search over customers, contacts, opportunities, tasks and files: what is found, in which order, and by whom."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from crm.actor import Actor, Scope, system
from crm.db import Database
from crm.models import Contact, Customer, Opportunity, Task
from crm.services import records
from crm.services.search import CANDIDATES, search
from tests import factories

TEST = system("test")


def _found(session: Session, typed: str, **options: Any) -> list[tuple[str, str]]:
    return [(hit.kind, hit.title) for hit in search(session, typed, **options)]


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction(TEST) as session:
        factories.default_pipeline(session)
        acme = records.create(session, Customer, {"name": "Acme Motors", "city": "Berlin"})
        records.create(session, Customer, {"name": "The Acme"})
        records.create(session, Customer, {"name": "上海晶圆科技"})
        values = {"name": "Ann Acme", "email": "ann@acme.example", "phone": "+49 30 901820"}
        records.create(session, Contact, values)
        records.create(session, Opportunity, {"name": "Acme", "customer_id": acme.id})
        records.create(session, Task, {"title": "Call Acme", "description": "about pumps"})
    return database


def test_what_bears_the_very_name_comes_first_then_what_begins_so(filled: Database) -> None:
    with filled.read_only(TEST) as session:
        found = _found(session, "acme")
    assert found[:2] == [("opportunity", "Acme"), ("customer", "Acme Motors")]
    assert {("customer", "The Acme"), ("contact", "Ann Acme"), ("task", "Call Acme")} == set(found[2:])


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("晶圆", "上海晶圆科技"),
        ("moto", "Acme Motors"),
        ("ann@acme.example", "Ann Acme"),
        ("030 901820", "Ann Acme"),
        ("pumps", "Call Acme"),
        ("  ACME   motors ", "Acme Motors"),
    ],
)
def test_words_numbers_and_two_characters_find(filled: Database, typed: str, title: str) -> None:
    with filled.read_only(TEST) as session:
        assert [title] == [found for _, found in _found(session, typed)]


@pytest.mark.parametrize("typed", ["", "   ", "!?", "no such word", "' OR 1=1 --", "zz\x00zz", "%", '"'])
def test_nothing_is_found_where_there_is_nothing(filled: Database, typed: str) -> None:
    with filled.read_only(TEST) as session:
        assert _found(session, typed) == []


def test_kinds_and_number_can_be_limited(filled: Database) -> None:
    with filled.read_only(TEST) as session:
        assert _found(session, "acme", kinds=("customer",), limit=1) == [("customer", "Acme Motors")]


def test_the_record_of_that_name_is_not_lost_among_the_many(database: Database) -> None:
    with database.transaction(TEST) as session:
        for number in range(CANDIDATES + 20):
            records.create(session, Customer, {"name": f"Delta {number} works"})
        records.create(session, Customer, {"name": "Delta"})
    with database.read_only(TEST) as session:
        found = _found(session, "Delta")
    assert found[0] == ("customer", "Delta")
    assert len(found) == 8


def test_everybody_finds_what_they_may_see_and_nothing_else(filled: Database) -> None:
    with filled.transaction(TEST) as session:
        mine = factories.user(session, {"view_customers": Scope.OWN, "view_tasks": Scope.ALL})
        records.create(session, Customer, {"name": "Acme of mine", "owner_id": mine.id})
        gone = records.create(session, Customer, {"name": "Acme of mine, gone", "owner_id": mine.id})
        records.delete(session, gone)
        actor = Actor(mine.id, "mine", {"view_customers": Scope.OWN, "view_tasks": Scope.ALL})
    with filled.read_only(actor) as session:
        assert set(_found(session, "acme")) == {("customer", "Acme of mine"), ("task", "Call Acme")}
    with filled.read_only(Actor(actor.user_id, "mine", {})) as session:
        assert _found(session, "acme") == []
