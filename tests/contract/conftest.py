"""One application per database for the whole folder: its tests look at records of their own only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.clients import World, admin, anybody, caller, client, settings_for, started, system_session
from tests.conftest import BACKENDS
from tests.contract.stage import stage


@pytest.fixture(scope="session", params=BACKENDS)
def world(
    request: pytest.FixtureRequest, new_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    url = new_database(request.param)
    with started(url, settings_for(url, tmp_path_factory.mktemp("data"))) as made:
        yield made


__all__ = ["admin", "anybody", "caller", "client", "stage", "system_session", "world"]
