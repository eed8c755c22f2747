"""Fixtures that all tests share: fresh databases of both kinds, a real Valkey, settings that name them."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from crm.db import Database
from crm.migrations.run import upgrade
from crm.settings import Settings
from tests import servers

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
def new_database(run_dir: Path) -> Iterator[Callable[[str], str]]:
    """`new_database(backend)` makes an empty, migrated database and returns its URL; all go away at the end.

    For tests that need a second database or choose their backend; others take `database_url`.
    """
    made: list[str] = []

    def make(backend: str) -> str:
        url = _copy_sqlite(run_dir) if backend == "sqlite" else _clone_postgresql(run_dir)
        made.append(url)
        return url

    yield make
    for url in made:
        _drop(url)


@pytest.fixture
def database_url(backend: str, run_dir: Path) -> Iterator[str]:
    """The URL of an empty, migrated database of the test's own."""
    url = _copy_sqlite(run_dir) if backend == "sqlite" else _clone_postgresql(run_dir)
    yield url
    _drop(url)


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


def _copy_sqlite(run: Path) -> str:
    template = run / "template.sqlite3"
    with servers.locked(run / "template.sqlite.lock"):
        if not template.exists():
            draft = run / "draft.sqlite3"
            _migrate(f"sqlite:///{draft}")
            draft.rename(template)
    copy = run / f"{uuid.uuid4().hex}.sqlite3"
    shutil.copyfile(template, copy)
    return f"sqlite:///{copy}"


def _clone_postgresql(run: Path) -> str:
    address = servers.postgresql(run, _owner())
    with psycopg.connect(address % "postgres", autocommit=True) as connection:
        with servers.locked(run / "template.postgresql.lock"):
            made = run / "template.postgresql"
            if not made.exists():
                connection.execute("CREATE DATABASE template_crm")
                _migrate(address % "template_crm")
                made.touch()
        name = f"test_{uuid.uuid4().hex}"
        # Without fsync a copy of files takes 20 ms and the default, a copy through the log, 44.
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_crm STRATEGY file_copy")
    return address % name


def _drop(url: str) -> None:
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        return
    name = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(url.replace(f"/{name}?", "/postgres?"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _migrate(url: str) -> None:
    database = Database(url)
    upgrade(database)
    database.dispose()
