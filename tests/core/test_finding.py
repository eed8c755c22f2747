"""Contacts are found by the name of their company, whatever happens to either, and by no name that is hidden."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic import command
from sqlalchemy import func, select, text

from crm.actor import Actor, Scope, system
from crm.db import Database
from crm.finding import found
from crm.migrations.run import config
from crm.models import Contact, Customer
from crm.services import records
from crm.services.search import search
from tests import factories
from tests.waiting import until

TEST = system("test")


@pytest.fixture
def acme(database: Database) -> tuple[int, int]:
    """Numbers of a company and of somebody who works there."""
    with database.transaction(TEST) as session:
        company = records.create(session, Customer, {"name": "Acme 华东 Tools"})
        person = records.create(session, Contact, {"name": "Li Wei", "customer_id": company.id})
        records.create(session, Contact, {"name": "Li Na"})
        return company.id, person.id


def _named(database: Database, typed: str, **options: Any) -> set[str]:
    with database.read_only(TEST) as session:
        return set(session.scalars(select(Contact.name).where(found(Contact, typed, **options))))


@pytest.mark.parametrize("typed", ["acme", "Tools acm", "li acme", "华东", "wei 华东", "acme wei tools"])
def test_a_contact_is_found_by_its_company(database: Database, acme: tuple[int, int], typed: str) -> None:
    assert _named(database, typed) == _named(database, typed, actor=TEST) == {"Li Wei"}
    with database.read_only(TEST) as session:
        assert [hit.title for hit in search(session, typed, kinds=["contact"])] == ["Li Wei"]


def test_words_that_neither_bears_find_nothing(database: Database, acme: tuple[int, int]) -> None:
    assert _named(database, "acme na") == set()
    assert _named(database, "li") == {"Li Wei", "Li Na"}


def test_another_name_of_the_company_is_known_at_once(database: Database, acme: tuple[int, int]) -> None:
    company, person = acme
    with database.transaction(TEST) as session:
        contact = session.get_one(Contact, person)
        before = contact.version
        records.update(session, session.get_one(Customer, company), {"name": "Globex"})
        records.update(session, contact, {"job_title": "Buyer"})
        assert contact.version == before + 1, "what the company is called is no change of the contact"
    assert _named(database, "globex buyer") == {"Li Wei"}
    assert _named(database, "acme") == _named(database, "华东") == set()


def test_another_company_of_the_contact_is_known_at_once(database: Database, acme: tuple[int, int]) -> None:
    with database.transaction(TEST) as session:
        other = records.create(session, Customer, {"name": "Initech"}).id
    for key, name in ((other, "initech"), (None, "")):
        with database.transaction(TEST) as session:
            records.update(session, session.get_one(Contact, acme[1]), {"customer_id": key})
        assert _named(database, "acme") == set()
        assert not name or _named(database, name) == {"Li Wei"}
    assert _named(database, "initech") == set()


def _until_another_waits(database: Database) -> None:
    """SQLite's writers wait at their beginning; there is nothing to see of them."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    def anybody() -> bool:
        with database.engine().connect() as connection:  # what a transaction has seen of others stays as it was
            return bool(connection.scalar(text(waiting)))

    if not database.is_sqlite:
        until(anybody)


@pytest.mark.parametrize("first", ["the company is renamed", "the contact is created"])
def test_a_contact_made_while_its_company_is_renamed_bears_the_new_name(
    database: Database, acme: tuple[int, int], first: str
) -> None:
    def rename() -> None:
        with database.transaction(TEST) as session:
            records.update(session, session.get_one(Customer, acme[0]), {"name": "Globex"})
            meet()

    def create() -> None:
        with database.transaction(TEST) as session:
            records.create(session, Contact, {"name": "Li Ming", "customer_id": acme[0]})
            meet()

    def meet() -> None:
        if not begun.is_set():
            begun.set()
            _until_another_waits(database)

    begun = threading.Event()
    order = [rename, create] if first == "the company is renamed" else [create, rename]
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(order[0])
        assert begun.wait(10)
        other = threads.submit(order[1])
        one.result(30)
        other.result(30)
    assert _named(database, "globex") == {"Li Wei", "Li Ming"}
    assert _named(database, "acme") == set()


def test_a_contact_in_the_trash_comes_back_under_the_new_name(database: Database, acme: tuple[int, int]) -> None:
    company, person = acme
    with database.transaction(TEST) as session:
        records.delete(session, session.get_one(Contact, person))
        records.update(session, session.get_one(Customer, company), {"name": "Globex"})
    with database.transaction(TEST) as session:
        contact = session.get(Contact, person, execution_options={"trash": "any"})
        records.restore(session, contact)
    assert _named(database, "globex") == {"Li Wei"}


def test_a_company_one_may_not_see_gives_nothing_away(database: Database, acme: tuple[int, int]) -> None:
    with database.transaction(TEST) as session:
        me = factories.user(session).id
        mine = records.create(session, Customer, {"name": "Acme of mine", "owner_id": me})
        records.create(session, Contact, {"name": "Li Jun", "customer_id": mine.id})
    every = {"view_contacts": Scope.ALL}
    reach = {
        "nothing": (Actor(me, "me", every), set()),
        "own": (Actor(me, "me", every | {"view_customers": Scope.OWN}), {"Li Jun"}),
        "all": (Actor(me, "me", every | {"view_customers": Scope.ALL}), {"Li Wei", "Li Jun"}),
    }
    for name, (actor, names) in reach.items():
        with database.read_only(actor) as session:
            for clause in (found(Contact, "acme", actor=actor), found(Contact, "acme")):
                assert set(session.scalars(select(Contact.name).where(clause))) == names, name
            own = select(func.count()).select_from(Contact).where(found(Contact, "li", actor=actor))
            assert session.scalar(own) == 3
            assert {hit.title for hit in search(session, "acme", kinds=["contact"])} == names


def test_contacts_of_earlier_releases_are_found_by_their_company_too(database: Database, acme: tuple[int, int]) -> None:
    for step, target, names in ((command.downgrade, "0009", set()), (command.upgrade, "head", {"Li Wei"})):
        with database.engine().begin() as connection:
            step(config(connection), target)
        assert _named(database, "acme", actor=TEST) == names
        assert _named(database, "li wei", actor=TEST) == {"Li Wei"}
