"""The numbers of records: each is given once, so that no audit or history sticks to another record later."""

from __future__ import annotations

from typing import Any

import pytest
from alembic import command
from sqlalchemy import inspect, text

from crm import access
from crm.actor import system
from crm.db import Database
from crm.entity import name_of
from crm.fields import models
from crm.migrations.run import config
from crm.models import Customer, Tag, TaskSeries
from crm.models.base import Base
from crm.services import records
from seeds.bulk import insert_rows
from tests.factories import WRITTEN, make

TEST = system("test")
BEFORE = "0010"
#: a series is kept by the task it begins with
PURGED = [m for m in models() if m in WRITTEN and hasattr(m, "deleted_at") and m is not TaskSeries]


def _purge(database: Database, model: type[Any], key: int) -> None:
    with database.transaction(TEST) as session:
        records.delete(session, access.find(session, model, key))
    with database.transaction(TEST) as session:
        records.purge(session, access.find(session, model, key, trash="any"))


def _tag(database: Database, name: str) -> int:
    with database.transaction(TEST) as session:
        return int(records.create(session, Tag, {"name": name, "colour": "#112233"}).id)


def test_the_number_of_a_purged_record_is_never_given_again(database: Database) -> None:
    for model in PURGED:
        with database.transaction(TEST) as session:
            key = make(model, session).id
        _purge(database, model, key)
        with database.transaction(TEST) as session:
            assert make(model, session).id > key, name_of(model)


def test_nor_by_loaders_of_many_rows(database: Database) -> None:
    key = _tag(database, "Gone")
    _purge(database, Tag, key)
    with database.transaction(TEST) as session:
        moment = session.get_one(Tag, make(Tag, session).id).created_at
        same = {"colour": "#112233", "created_at": moment, "updated_at": moment, "version": 1}
        made = insert_rows(session, Base.metadata.tables["tag"], [{"name": name, **same} for name in "ab"])
    assert made == [key + 2, key + 3]


@pytest.mark.parametrize("backend", ["sqlite"])
def test_every_numbered_table_of_sqlite_counts(database: Database, backend: str) -> None:
    """A migration that copies a table, as Alembic's batches do, has to say `sqlite_autoincrement=True` again."""
    with database.engine(write=False).connect() as connection:
        tables: dict[str, str] = dict(
            connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all()
        )
    numbered = [table.name for table in Base.metadata.sorted_tables if "id" in table.c]
    assert [name for name in numbered if "AUTOINCREMENT" not in tables[name]] == []


def test_the_migration_keeps_what_there_is_and_knows_what_was_purged(database: Database) -> None:
    with database.engine().begin() as connection:
        command.downgrade(config(connection), BEFORE)
    with database.transaction(TEST) as session:
        customer = make(Customer, session, name="Acme 上海")
        key, words = customer.id, customer.search_text
    gone = _tag(database, "Gone")
    _purge(database, Tag, gone)
    with database.engine().begin() as connection:
        indexes = len(inspect(connection).get_indexes("customer"))
        command.upgrade(config(connection), "head")
    with database.transaction(TEST) as session:
        kept = session.get_one(Customer, key)
        assert (kept.name, kept.search_text) == ("Acme 上海", words)
        records.update(session, kept, {"name": "Acme 北京"})
    with database.engine().begin() as connection:
        assert len(inspect(connection).get_indexes("customer")) == indexes
        if database.is_sqlite:
            assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
            found = text("SELECT rowid FROM customer_search WHERE customer_search MATCH :words")
            assert connection.scalars(found, {"words": '"北京"'}).all() in ([key], [])
    assert _tag(database, "New") > gone
