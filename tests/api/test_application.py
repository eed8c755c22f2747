"""The application around the API: other origins, compression, unsafe starts, a database that is away."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from crm.actor import system
from crm.app import check_exposure, make_app
from crm.db import Database
from crm.errors import StartError
from crm.models import User
from crm.services import passwords, tokens
from crm.settings import Settings
from tests.clients import Caller, World


def test_the_front_door_leads_to_the_panel(client: TestClient) -> None:
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/admin/")


def test_only_listed_origins_may_call_from_a_browser(database: Database, settings: Settings) -> None:
    asked = {"origin": "https://app.example.com", "access-control-request-method": "PUT"}
    url = database.url.render_as_string(hide_password=False)
    with TestClient(make_app(Database(url), settings)) as closed:
        assert "access-control-allow-origin" not in closed.get("/api/health", headers=asked).headers
        assert closed.options("/api/tags", headers=asked).status_code == 405
    listed = settings.model_copy(update={"cors_origins": "https://app.example.com, https://b.example.com"})
    with TestClient(make_app(Database(url), listed)) as opened:
        headers = opened.options("/api/tags", headers=asked).headers
        assert headers["access-control-allow-origin"] == "https://app.example.com"
        assert "PUT" in headers["access-control-allow-methods"]
        answer = opened.get("/api/health", headers=asked)
        assert "ETag" in answer.headers["access-control-expose-headers"]
        stranger = opened.get("/api/health", headers={"origin": "https://evil.example.com"})
        assert "access-control-allow-origin" not in stranger.headers


def test_long_answers_are_compressed_for_who_can_read_that(admin: Caller) -> None:
    admin.post("/tags/bulk", {"create": [{"name": f"tag {number}"} for number in range(100)]})
    packed = admin.get("/tags?pageSize=100", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    plain = admin.get("/tags?pageSize=100", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()


def test_a_reachable_server_with_the_default_password_refuses_to_start(database: Database, settings: Settings) -> None:
    reachable = settings.model_copy(update={"host": "0.0.0.0"})
    check_exposure(database, reachable)
    with database.transaction(system("test")) as session:
        secret = passwords.hash_password("admin123", 4)
        session.add(User(username="admin", email="admin@example.com", password_hash=secret))
    check_exposure(database, settings)
    with pytest.raises(StartError, match="default password"):
        check_exposure(database, reachable)


@contextmanager
def _without_database(url: str, folder: Path) -> Iterator[Caller]:
    settings = Settings(_env_file=None, env="test", data_dir=folder, database_url=url, jwt_secret="x" * 32)
    app = make_app(Database(url), settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Caller(client, tokens.issue(settings, 1), 1)


def test_a_database_that_is_away_is_told_at_once_and_the_process_stays_up(tmp_path: Path) -> None:
    with _without_database("postgresql://nobody@127.0.0.1:1/nothing", tmp_path) as who:
        began = time.monotonic()
        ready, asked = who.get("/ready"), who.get("/tags")
        assert time.monotonic() - began < 3
        assert (ready.status_code, asked.status_code) == (503, 503)
        assert ready.json()["checks"]["database"] == "down"
        assert asked.json()["message"] == "The database does not answer; try again in a moment"
        assert int(asked.headers["retry-after"]) > 0
        assert who.get("/health").status_code == 200


def test_a_database_that_lacks_tables_is_not_ready(database: Database, tmp_path: Path) -> None:
    with database.engine().begin() as connection:
        connection.exec_driver_sql("DROP TABLE process_heartbeat")
    with _without_database(database.url.render_as_string(hide_password=False), tmp_path) as who:
        answer = who.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "unmigrated", "redis": "unset", "worker": "unknown"}


def test_a_database_that_says_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.api.status._PATIENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        with _without_database(url, tmp_path) as who:
            assert who.get("/ready").json()["checks"] == {"database": "down", "redis": "unset", "worker": "unknown"}


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)  # SQLite has no connections to cut
def test_reads_recover_by_themselves_after_the_server_has_cut_every_connection(world: World, admin: Caller) -> None:
    assert admin.get("/tags").is_success
    with world.session() as session:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crm-reads'"
        session.connection().exec_driver_sql(cut)
    assert admin.get("/tags").is_success
