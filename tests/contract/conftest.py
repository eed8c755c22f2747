"""One application per database for the whole folder: its tests look at records of their own only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from crm.settings import Settings
from tests.clients import World, admin, anybody, caller, client, started, system_session
from tests.conftest import BACKENDS


@pytest.fixture(scope="session", params=BACKENDS)
def world(
    request: pytest.FixtureRequest, new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    url = new_database(request.param)
    settings = Settings(
        _env_file=None,
        env="test",
        data_dir=tmp_path_factory.mktemp("data"),
        database_url=url,
        jwt_secret="a secret of 32 bytes for tests only",
        bcrypt_cost=4,
    )
    with started(url, settings) as made:
        yield made


__all__ = ["admin", "anybody", "caller", "client", "system_session", "world"]
