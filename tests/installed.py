"""Fixtures for tests that need the initial data: roles, permissions, and the default account."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, inspect, select

from crm.actor import system
from crm.db import Database
from crm.models.base import Base
from crm.services import passwords, users
from seeds import initial
from tests.clients import Caller, settings_for

PASSWORD = "a good passphrase 42"


Rows = list[tuple[Table, list[dict[str, Any]]]]


@pytest.fixture(scope="session")
def initial_rows(new_database: Callable[[str], str], run_dir: Path) -> Callable[[str], Rows]:
    """What the first start leaves in a database of this kind: loaded once, since it takes longer than most tests."""

    @cache
    def rows(backend: str) -> Rows:
        url = new_database(backend)
        database = Database(url)
        initial.load(database, settings_for(url, run_dir))
        with database.engine().connect() as connection:
            stored = set(inspect(connection).get_table_names())
            tables = [table for table in Base.metadata.sorted_tables if table.name in stored]
            found = [(table, [dict(row._mapping) for row in connection.execute(select(table))]) for table in tables]
        database.dispose()
        return [(table, held) for table, held in found if held]

    return rows


@pytest.fixture
def installed(database: Database, backend: str, initial_rows: Callable[[str], Rows]) -> Database:
    """The database with the initial data, as after the first start."""
    with database.engine().begin() as connection:
        for table, rows in initial_rows(backend):
            connection.execute(insert(table), rows)
            if "id" in table.columns and not database.is_sqlite:
                counter = func.pg_get_serial_sequence(f'"{table.name}"', "id")
                connection.execute(select(func.setval(counter, max(row["id"] for row in rows))))
    return database


@pytest.fixture
def add_user(installed: Database) -> Callable[..., int]:
    """`add_user("eve", "sales")` makes a user with these roles and the password PASSWORD; answers the number."""

    def make(username: str, *roles: str, password: str = PASSWORD, cost: int = 4) -> int:
        stored = passwords.hash_password(password, cost)
        with installed.transaction(system("test")) as session:
            email = f"{username}@example.com"
            return users.add(session, username=username, email=email, password_hash=stored, roles=roles).id

    return make


@pytest.fixture
def sign_in(anybody: Caller) -> Callable[..., Caller]:
    """`sign_in("admin", "admin123")` answers the caller with the token of that login."""

    def make(username: str, password: str = PASSWORD) -> Caller:
        data = login(anybody, username, password).json()["data"]
        return Caller(anybody.client, data["accessToken"], data["user"]["id"])

    return make


def login(anybody: Caller, username: str, password: str) -> Any:
    """The answer of a login."""
    return anybody.post("/auth/login", {"username": username, "password": password})


def check_error(answer: Any, status: int, message: str) -> None:
    """The document's error: the envelope with the status, this message, and no data."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["code"], body["message"], body["data"]) == (status, message, None)
