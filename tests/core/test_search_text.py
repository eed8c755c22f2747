"""Search: Chinese by two characters, Latin by the beginning of a word, always through an index."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from crm.actor import system
from crm.db import Database
from crm.models import Contact
from crm.search_text import index_text, matches
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
