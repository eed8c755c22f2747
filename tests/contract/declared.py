"""Entities that a test declares: an application that knows them, and how they are forgotten again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crm.admin import forms
from crm.entity import OPERATIONS, REGISTRY, name_of
from crm.models.base import Base
from tests.clients import World, settings_for, started


@contextmanager
def world_with(model: type[Any], backend: str, new_database: Callable[[str], str], folder: Path) -> Iterator[World]:
    """A started application whose database has the table of `model`, as after its migration."""
    url = new_database(backend)
    with started(url, settings_for(url, folder)) as made:
        with made.database.engine().begin() as connection:
            Base.metadata.create_all(connection, tables=[model.__table__])
        yield made


def forget(model: type[Any]) -> None:
    """No other test meets it."""
    REGISTRY.pop(name_of(model))
    OPERATIONS.pop(name_of(model), None)
    forms._inputs.pop(model, None)
    Base.registry._dispose_cls(model)
    Base.metadata.remove(model.__table__)
