"""Fixtures that all tests share: fresh databases of both kinds, a real Valkey, settings that name them."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from crm.db import Database
from crm.settings import Settings
from tests import servers
from tests.databases import Databases

RUN_DIR = "CRM_TEST_RUN_DIR"
RUN_OWNER = "CRM_TEST_RUN_OWNER"
BACKENDS = ("sqlite", "postgresql")


def pytest_configure(config: pytest.Config) -> None:
    """The process that was called by hand owns the run; xdist workers inherit its folder by environment."""
    if not hasattr(config, "workerinput"):
        os.environ[RUN_DIR] = str(servers.new_run())
        os.environ[RUN_OWNER] = str(os.getpid())
    for name in Settings.model_fields:  # what a developer has exported must not change a test
        os.environ.pop(name.upper(), None)


def pytest_collection_finish() -> None:
    """What is loaded by now stays for good: the collector need not walk through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        servers.stop_all(Path(os.environ[RUN_DIR]))


@pytest.fixture(scope="session")
def run_dir() -> Path:
    """A folder of this run that all xdist workers see."""
    return Path(os.environ[RUN_DIR])


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """`sqlite` or `postgresql`; a test that asks for it, or for a database, runs once on each."""
    return str(request.param)


@pytest.fixture(scope="session")
def databases(run_dir: Path) -> Databases:
    return Databases(run_dir, _owner())


@pytest.fixture(scope="session")
def new_database(databases: Databases) -> Callable[[str], str]:
    """`new_database(backend)` gives the URL of an empty, migrated database that stays until the run ends.

    For fixtures of a session, and for tests that choose their backend; others take `database_url`.
    """
    return databases.take


@pytest.fixture
def database_url(backend: str, databases: Databases) -> Iterator[str]:
    """The URL of an empty, migrated database of the test's own."""
    url = databases.take(backend)
    yield url
    databases.give_back(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The engines of an empty, migrated database of the test's own."""
    opened = Database(database_url, pool_size=5)
    yield opened
    opened.dispose()


@pytest.fixture
def redis_url(run_dir: Path) -> str:
    """The URL of an empty Valkey database that no other worker uses."""
    path = servers.valkey(run_dir, _owner())
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    url = f"unix://{path}?db={number}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Settings of a test: own database, own Valkey, own data folder, cheap password hashes, no `.env`."""
    return Settings(
        _env_file=None,
        env="test",
        data_dir=tmp_path / "data",
        database_url=database_url,
        redis_url=redis_url,
        jwt_secret="a secret of 32 bytes for tests only",
        bcrypt_cost=4,
    )


def _owner() -> int:
    return int(os.environ[RUN_OWNER])
