"""Search: Chinese by two characters, Latin by the beginning of a word, always through an index."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import select, text

from crm.actor import system
from crm.db import Database
from crm.migrations.run import config
from crm.models import Contact, Customer
from crm.search_text import MARK, index_text, matches
from crm.services import records

TEST = system("test")
NAMES = ("张伟", "王小明", "José Álvarez", "O'Brien & Sons", "李四 (Acme)", "100% \\ '; DROP")


@pytest.fixture
def contacts(database: Database) -> Database:
    with database.transaction(TEST) as session:
        for name in NAMES:
            records.create(session, Contact, {"name": name, "mobile": "+86 138 0013 8000" if name == "张伟" else ""})
    return database


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("张伟", {"张伟"}),
        ("小明", {"王小明"}),
        ("明", {"王小明"}),
        ("王明", set()),
        ("álv", {"José Álvarez"}),
        ("BRIEN", {"O'Brien & Sons"}),
        ("acme 李四", {"李四 (Acme)"}),
        ("138", {"张伟"}),
        ("'; DROP", {"100% \\ '; DROP"}),
        ('"* AND (', set()),
        ("%", set()),
        ("\x00", set()),
        ("", set()),
    ],
)
def test_what_is_typed_finds_what_is_meant(contacts: Database, typed: str, found: set[str]) -> None:
    with contacts.read_only(TEST) as session:
        assert set(session.scalars(select(Contact.name).where(matches(Contact, typed)))) == found


def test_a_changed_name_is_found_by_the_new_one_only(contacts: Database) -> None:
    with contacts.transaction(TEST) as session:
        contact = session.scalars(select(Contact).where(Contact.name == "张伟")).one()
        records.update(session, contact, {"name": "赵敏"})
    with contacts.read_only(TEST) as session:
        assert session.scalars(select(Contact.id).where(matches(Contact, "张伟"))).all() == []
        assert len(session.scalars(select(Contact.id).where(matches(Contact, "赵敏"))).all()) == 1


def test_two_chinese_characters_use_the_index(contacts: Database) -> None:
    statement = select(Contact.id).where(matches(Contact, "张伟"))
    with contacts.engine().connect() as connection:
        if contacts.is_sqlite:
            plan = "EXPLAIN QUERY PLAN "
        else:
            connection.execute(text("SET enable_seqscan = off"))
            plan = "EXPLAIN "
        compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
        told = " ".join(str(row) for row in connection.exec_driver_sql(plan + str(compiled)))
    assert ("VIRTUAL TABLE INDEX" in told) if contacts.is_sqlite else ("ix_contact_search" in told)


def test_a_number_is_known_without_its_country_code() -> None:
    assert "13800138000" in index_text(["8613800138000"]).split()


def test_contacts_that_were_there_are_found_by_department_and_notes(database: Database) -> None:
    def found(typed: str) -> int:
        with database.read_only(TEST) as session:
            return len(session.scalars(select(Contact.id).where(matches(Contact, typed))).all())

    with database.transaction(TEST) as session:
        company = records.create(session, Customer, {"name": "华东机械"}).id
        values = {"name": "王芳", "department": "供应链部", "notes": "plays chess", "customer_id": company}
        records.create(session, Contact, values)
    typed = ("王芳", "供应", "chess")
    for revision, expected in (("0011", [1, 0, 0]), ("head", [1, 1, 1])):
        with database.engine().begin() as connection:
            move = command.upgrade if revision == "head" else command.downgrade
            move(config(connection), revision)
        assert [found(word) for word in typed] == expected
        with database.read_only(TEST) as session:
            assert MARK + "华东" in session.scalars(select(Contact.search_text)).one().split()


@pytest.mark.parametrize("backend", ["postgresql"])
def test_no_row_waits_to_be_indexed(database: Database, backend: str) -> None:
    """Each search would read those that wait, and from a thousand rows on the planner would leave the index."""
    options = "SELECT reloptions FROM pg_class WHERE relkind = 'i' AND relname LIKE 'ix\\_%\\_search'"
    with database.engine().connect() as connection:
        found = connection.scalars(text(options)).all()
    assert len(found) >= 5
    assert set(map(tuple, found)) == {("fastupdate=off",)}
