"""The running server against its own description: no generated request brings a 5xx, every answer fits."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from crm.actor import system
from crm.api.app import all_routes
from crm.api.openapi import document
from crm.api.routing import Table
from crm.app import make_app
from crm.db import Database
from crm.services import tokens
from crm.settings import Settings
from tests import factories

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def server(new_database: Callable[[str], str], tmp_path_factory: Any) -> Iterator[tuple[str, str]]:
    """(address, token) of a server of its own; two records of each entity are there to be found."""
    url = new_database("sqlite")
    chosen = Settings(
        _env_file=None, env="test", data_dir=tmp_path_factory.mktemp("data"), database_url=url, jwt_secret="x" * 32
    )
    with Database(url).transaction(system("test")) as session:
        user_id = factories.user(session, admin=True).id
        for model in factories.WRITTEN:
            factories.make(model, session)
    listening = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(make_app(Database(url), chosen), log_level="error", ws="none"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not running.started:
        thread.join(0.02)
    token = tokens.issue(chosen, user_id, not_before=time.time())
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", token
    running.should_exit = True
    thread.join(10)


def _operations() -> dict[str, Any]:
    """Every operation of the document but those that sign out or in, and the files of the page."""
    made = schemathesis.openapi.from_dict(document(Table(all_routes()).endpoints))
    found = made.exclude(path_regex="/auth/|/docs|/openapi.json|/ready").get_all_operations()
    return {operation.label: operation for operation in (result.ok() for result in found)}  # type: ignore[union-attr]


OPERATIONS = _operations()


@pytest.mark.parametrize("label", OPERATIONS)
def test_the_server_keeps_to_its_description(label: str, server: tuple[str, str]) -> None:
    address, token = server

    @settings(
        max_examples=4,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy())
    def ask(case: Any) -> None:
        answer = case.call(base_url=address, headers={"Authorization": f"Bearer {token}"})
        case.validate_response(answer, checks=CHECKS)

    ask()
