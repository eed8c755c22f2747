"""Tests at the API's door: the whole application, callers with tokens, and sessions beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from crm.actor import Scope, system
from crm.app import make_app
from crm.db import CrmSession, Database
from crm.services import tokens
from crm.settings import Settings
from tests import factories
from tests.described import hold_against_document
from tests.whole import WholeClient

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


class World:
    """A started application and its database."""

    def __init__(self, client: TestClient, database: Database, settings: Settings) -> None:
        self.client, self.database, self.settings = client, database, settings
        self._admin: Caller | None = None

    def session(self) -> AbstractContextManager[CrmSession]:
        """A transaction of the process itself."""
        return self.database.transaction(system("test"))

    def caller(self, *, admin: bool = False, team: Any = None, **grants: Scope) -> Caller:
        """`caller(view_contacts=Scope.OWN)` is a new user with these permissions; `admin=True` has all."""
        with self.session() as session:
            user_id = factories.user(session, grants, admin=admin, team=team and session.merge(team)).id
        return self.as_user(user_id)

    def as_user(self, user_id: int) -> Caller:
        """Somebody who is known already, with a token of their own."""
        return Caller(self.client, tokens.issue(self.settings, user_id, not_before=time.time()), user_id)

    def admin(self) -> Caller:
        if self._admin is None:
            self._admin = self.caller(admin=True)
        return self._admin


def settings_for(url: str, folder: Path) -> Settings:
    """Settings of a world that outlives one test: no Redis, cheap password hashes, no `.env`."""
    return Settings(
        _env_file=None,
        env="test",
        data_dir=folder,
        database_url=url,
        jwt_secret="a secret of 32 bytes for tests only",
        bcrypt_cost=4,
    )


@contextmanager
def started(url: str, settings: Settings) -> Iterator[World]:
    """The whole application on a database; unexpected errors become answers, as in production."""
    database = Database(url, pool_size=5)
    with WholeClient(make_app(Database(url, pool_size=5), settings)) as client:
        client.event_hooks["response"].append(hold_against_document)
        yield World(client, database, settings)
    database.dispose()


@pytest.fixture
def world(database_url: str, settings: Settings) -> Iterator[World]:
    """An application of the test's own, on an empty database."""
    with started(database_url, settings) as made:
        yield made


@pytest.fixture
def client(world: World) -> TestClient:
    return world.client


@pytest.fixture
def system_session(world: World) -> Any:
    """`with system_session() as session:` is a transaction of the process itself."""
    return world.session


@pytest.fixture
def caller(world: World) -> Any:
    """`caller(view_contacts=Scope.OWN)`: see World."""
    return world.caller


@pytest.fixture
def admin(world: World) -> Caller:
    """Somebody who may do everything."""
    return world.admin()


@pytest.fixture
def anybody(world: World) -> Caller:
    """Somebody without a token."""
    return Caller(world.client, "", 0)


__all__ = ["Caller", "World", "admin", "anybody", "caller", "client", "started", "system_session", "world"]
