"""Fixtures of the tests in this folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from crm.db import Database


@pytest.fixture
def long_before(database: Database) -> Iterator[None]:
    """What the tests make is made long before the morning in question."""
    with time_machine.travel(datetime(2026, 11, 1, 9, tzinfo=UTC), tick=False):
        yield
