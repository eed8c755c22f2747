"""Fixtures of the tests in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crm.settings import Settings
from tests.databases import Databases


@pytest.fixture
def here(settings: Settings) -> Settings:
    """An installation that keeps its own key."""
    return settings.model_copy(update={"jwt_secret": ""})


@pytest.fixture
def there(settings: Settings, backend: str, databases: Databases, tmp_path: Path) -> Iterator[Settings]:
    """Another one, with an empty database."""
    url = databases.take(backend)
    changed = {"jwt_secret": "", "data_dir": tmp_path / "there", "database_url": url}
    yield settings.model_copy(update=changed)
    databases.give_back(url)
