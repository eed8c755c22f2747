"""What the database layer promises: no lost update, no half transaction, no write through a reading session."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from crm import access
from crm.actor import system
from crm.db import GUARDS, Database
from crm.errors import StaleVersion
from crm.migrations.run import config, is_current, upgrade
from crm.models import Customer
from crm.services import records

TEST = system("test")


def _customer(database: Database, **values: object) -> int:
    with database.transaction(TEST) as session:
        return int(records.create(session, Customer, {"name": "Acme", **values}).id)


def test_parallel_edits_lose_nothing(database: Database) -> None:
    """Read, add one, write: on SQLite BEGIN IMMEDIATE puts the writers in line, elsewhere the version refuses."""
    key = _customer(database, size=0)

    def add_one(_: int) -> int:
        for _attempt in range(200):
            try:
                with database.transaction(TEST) as session:
                    customer = access.find(session, Customer, key)
                    records.update(session, customer, {"size": customer.size + 1})
                return 1
            except StaleVersion:
                continue
        return 0

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(add_one, range(40)))
    with database.read_only(TEST) as session:
        assert done == 40
        assert session.scalars(select(Customer.size)).one() == 40


def test_a_stale_version_changes_nothing(database: Database) -> None:
    key = _customer(database, size=1)
    with database.transaction(TEST) as session:
        records.update(session, access.find(session, Customer, key), {"size": 2}, expected_version=1)
    with pytest.raises(StaleVersion), database.transaction(TEST) as session:
        records.update(session, access.find(session, Customer, key), {"size": 3}, expected_version=1)
    with database.read_only(TEST) as session:
        assert session.scalars(select(Customer.size)).one() == 2


def test_a_reading_session_keeps_nothing(database: Database) -> None:
    try:
        with database.read_only(TEST) as session:
            session.add(Customer(name="x"))
            session.flush()
    except OperationalError:
        assert database.is_sqlite  # its reading connections cannot write at all
    with database.read_only(TEST) as session:
        assert session.scalars(select(Customer)).all() == []


def test_unprotected_sessions_refuse_to_open(database: Database) -> None:
    GUARDS.remove("audit")
    try:
        with pytest.raises(RuntimeError, match="not protected"), database.transaction(TEST):
            pass
    finally:
        GUARDS.add("audit")


def test_migrations_match_the_models_and_go_down_and_up_again(database: Database) -> None:
    assert is_current(database)
    assert upgrade(database) is False
    with database.engine().begin() as connection:
        command.check(config(connection))
    for direction, target in ((command.downgrade, "base"), (command.upgrade, "head")):
        with database.engine().begin() as connection:
            direction(config(connection), target)
    assert is_current(database)
    assert _customer(database)


def test_a_failing_migration_leaves_the_schema_as_it_was(database: Database) -> None:
    def fail_half_way() -> None:
        with database.engine().begin() as connection:
            connection.execute(text("CREATE TABLE half_made (id integer)"))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        fail_half_way()
    with pytest.raises(Exception, match="half_made"), database.engine().begin() as connection:
        connection.execute(text("SELECT * FROM half_made"))


@pytest.mark.parametrize("backend", ["postgresql"])
def test_connections_that_died_while_idle_are_replaced_unseen(
    database: Database, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.connections.IDLE_S", 0.0)
    key = _customer(database)
    _end_all_connections(database)
    with database.transaction(TEST) as session:
        assert access.find(session, Customer, key).name == "Acme"

    async def both_times() -> None:
        async with database.transaction_async(TEST) as session:
            await session.run_sync(access.find, Customer, key)
        _end_all_connections(database)
        async with database.transaction_async(TEST) as session:
            await session.run_sync(access.find, Customer, key)
        await database.dispose_async()

    asyncio.run(both_times())


@pytest.mark.parametrize("backend", ["postgresql"])
def test_connections_that_live_are_kept_however_long_they_were_idle(
    database: Database, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.connections.IDLE_S", 0.0)

    async def served_by() -> int:
        async with database.read_only_async(TEST) as session:
            return int((await session.execute(text("SELECT pg_backend_pid()"))).scalar_one())

    async def each_time() -> set[int]:
        pids = {await served_by() for _ in range(3)}
        await database.dispose_async()
        return pids

    assert len(asyncio.run(each_time())) == 1


def _end_all_connections(database: Database) -> None:
    """What a restart of the server does to a pool."""
    other = Database(database.url.render_as_string(hide_password=False))
    everyone_else = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with other.engine().begin() as connection:
        connection.execute(text(f"{everyone_else} AND datname = current_database()"))
    other.dispose()
