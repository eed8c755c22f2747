"""Fixtures for tests that need the initial data: roles, permissions, and the default account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crm.actor import system
from crm.db import Database
from crm.services import passwords, users
from crm.settings import Settings
from seeds import initial
from tests.clients import Caller

PASSWORD = "a good passphrase 42"


@pytest.fixture
def installed(database: Database, settings: Settings) -> Database:
    """The database with the initial data, as after the first start."""
    initial.load(database, settings)
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
