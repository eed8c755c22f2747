"""While the database is away every door says so soon, and says when to come again; it recovers by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from crm.actor import system
from crm.app import make_app
from crm.db import Database
from crm.mail import unsubscribe_links
from crm.migrations.run import upgrade
from crm.services import sessions, tokens
from crm.settings import Settings
from tests import factories
from tests.clients import Caller
from tests.torture import crashing

SENTENCE = "The database does not answer; try again in a moment"
NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@contextmanager
def opened(url: str, folder: Path) -> Iterator[tuple[TestClient, Settings]]:
    settings = Settings(_env_file=None, env="test", data_dir=folder, database_url=url, jwt_secret="x" * 32)
    with TestClient(make_app(Database(url), settings), raise_server_exceptions=False) as client:
        yield client, settings


@pytest.mark.parametrize(("language", "words"), [("en", "does not answer"), ("zh", "数据库")])
def test_the_panel_says_in_a_sentence_that_the_database_is_away(tmp_path: Path, language: str, words: str) -> None:
    with opened(NOWHERE, tmp_path) as (client, _):
        client.cookies.update({"crm_session": "somebody", "crm_lang": language})
        answer = client.get("/admin/customer/list")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.headers["content-type"].startswith("text/html")
    assert words in answer.text
    assert "nonce-" in answer.headers["content-security-policy"]


def test_scripts_of_the_panel_are_told_as_json(tmp_path: Path) -> None:
    with opened(NOWHERE, tmp_path) as (client, _):
        client.cookies.update({"crm_session": "somebody"})
        answer = client.get("/admin/news/latest", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()) == (503, {"message": SENTENCE})


def test_who_wants_no_more_mail_is_asked_to_come_again(tmp_path: Path) -> None:
    with opened(NOWHERE, tmp_path) as (client, settings):
        answer = client.get(unsubscribe_links.link(settings, 1).removeprefix("http://testserver"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert SENTENCE in answer.text


def test_a_frozen_database_holds_no_request_for_long_and_needs_no_restart(
    run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("crm.connections.PING_S", "crm.db.SILENCE_S", "crm.api.reader.SILENCE_S", "crm.api.reader._CONNECT_S"):
        monkeypatch.setattr(name, 0.5)
    monkeypatch.setattr("crm.connections.IDLE_S", 0.0)
    folder = run_dir / f"frozen-{os.getpid()}"
    folder.mkdir()
    with crashing.postgresql(folder / "postgresql") as (server, url), opened(url, tmp_path) as (client, settings):
        database = Database(url)
        upgrade(database)
        with database.transaction(system("test")) as session:
            admin = factories.user(session, admin=True)
            client.cookies.update({"crm_session": sessions.open_session(session, admin)})
            who = Caller(client, tokens.issue(settings, admin.id), admin.id)
        ways = (
            lambda: who.get("/tags"),
            lambda: who.post("/tags", {"name": f"made {time.monotonic_ns()}"}),
            lambda: client.get("/admin/tag/list"),
        )
        assert {way().status_code for way in ways} == {200}
        server.signal(signal.SIGSTOP)
        began = time.monotonic()
        answers = [way() for way in ways]
        took_s = time.monotonic() - began
        ready, health = who.get("/ready"), who.get("/health")
        server.signal(signal.SIGCONT)
        assert [(a.status_code, a.headers["retry-after"]) for a in answers] == [(503, "2")] * 3
        assert (ready.status_code, health.status_code) == (503, 200)
        assert took_s < 15
        assert {way().status_code for way in ways} == {200}
        database.dispose()
