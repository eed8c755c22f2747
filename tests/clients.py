"""Fixtures for tests at the API's door: the whole application, callers with tokens, and sessions beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest
from starlette.testclient import TestClient

from crm.actor import Scope, system
from crm.app import make_app
from crm.db import CrmSession, Database
from crm.services import tokens
from crm.settings import Settings
from tests import factories

Answer = Any


class Caller:
    """A user at the API: `get`, `post`, … with their token; paths are below /api."""

    def __init__(self, client: TestClient, token: str, user_id: int) -> None:
        self.client, self.token, self.user_id = client, token, user_id

    def call(self, method: str, path: str, **options: Any) -> Answer:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= options.pop("headers", {})
        return self.client.request(method, f"/api{path}", headers=headers, **options)

    def get(self, path: str, **options: Any) -> Answer:
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Answer:
        return self.call("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> Answer:
        return self.call("PUT", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.call("DELETE", path, **options)

    def data(self, path: str, **options: Any) -> Any:
        """`data` of a GET that must succeed."""
        answer = self.get(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@pytest.fixture
def client(database: Database, settings: Settings) -> Iterator[TestClient]:
    """The whole application, started; unexpected errors become answers, as in production."""
    app = make_app(Database(database.url.render_as_string(hide_password=False), pool_size=5), settings)
    with TestClient(app, raise_server_exceptions=False) as started:
        yield started


@pytest.fixture
def system_session(database: Database) -> Callable[[], AbstractContextManager[CrmSession]]:
    """`with system_session() as session:` is a transaction of the process itself."""
    return lambda: database.transaction(system("test"))


@pytest.fixture
def caller(client: TestClient, database: Database, settings: Settings) -> Callable[..., Caller]:
    """`caller(view_contacts=Scope.OWN)` makes a user with these permissions; `caller(admin=True)` one with all."""

    def make(*, admin: bool = False, team: Any = None, **grants: Scope) -> Caller:
        with database.transaction(system("test")) as session:
            user_id = factories.user(session, grants, admin=admin, team=team and session.merge(team)).id
        return Caller(client, tokens.issue(settings, user_id, not_before=time.time()), user_id)

    return make


@pytest.fixture
def admin(caller: Callable[..., Caller]) -> Caller:
    """Somebody who may do everything."""
    return caller(admin=True)


@pytest.fixture
def anybody(client: TestClient) -> Caller:
    """Somebody without a token."""
    return Caller(client, "", 0)


__all__ = ["Caller", "Mapping", "admin", "anybody", "caller", "client", "system_session"]
