"""The primary fails and its standby takes over: what callers meet meanwhile, and what is there afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

from crm.actor import system
from crm.db import Database
from crm.migrations.run import upgrade
from tests import factories
from tests.clients import Answer, Caller, settings_for, started
from tests.outages.standby_servers import Pair, pair


@pytest.fixture(scope="module")
def both(run_dir: Path) -> Iterator[Pair]:
    """A primary whose commits wait for its standby, in a short folder: a socket's path may have 107 bytes only."""
    folder = Path(mkdtemp(prefix="pair-", dir=run_dir))
    folder.chmod(0o755)  # the servers may be somebody else's
    with pair(folder / "servers", synchronous=True) as made:
        database = Database(made.url)
        upgrade(database)
        database.dispose()
        yield made


@pytest.fixture
def servers(both: Pair) -> Iterator[Pair]:
    """Both as at the beginning; each test promotes the standby once."""
    yield both
    both.follow()


@contextmanager
def opened(servers: Pair, url: str, folder: Path) -> Iterator[Caller]:
    """The application at `url`, and somebody who may do everything."""
    database = Database(servers.url)
    with database.transaction(system("test")) as session:
        admin = factories.user(session, admin=True).id
    database.dispose()
    with started(url, settings_for(url, folder)) as world:
        yield world.as_user(admin)


def post(caller: Caller, name: str) -> Answer:
    return caller.post("/tags", {"name": name}, headers={"idempotency-key": f"the key of {name}"})


def confirmed(caller: Caller, name: str) -> Answer:
    """The answer of the first or second time: one meets the connections that broke."""
    answer = post(caller, name)
    return answer if answer.status_code == 200 else post(caller, name)


def names(caller: Caller, like: str) -> list[str]:
    found = caller.get(f"/tags?name[contains]={like}&sort=id").json()["data"]
    return [tag["name"] for tag in found["list"]]


def test_the_promoted_standby_has_all_that_was_confirmed_and_is_found(servers: Pair, tmp_path: Path) -> None:
    with opened(servers, servers.url, tmp_path) as caller:
        first = post(caller, "confirmed 1")
        assert first.status_code == 200, first.text
        servers.lose_primary()
        away = [post(caller, "confirmed 2"), caller.get("/tags")]
        assert [(a.status_code, a.headers.get("retry-after")) for a in away] == [(503, "2")] * 2
        servers.promote()
        assert confirmed(caller, "confirmed 1").content == first.content
        assert confirmed(caller, "confirmed 2").status_code == 200
        assert names(caller, "confirmed") == ["confirmed 1", "confirmed 2"]


def test_what_the_standby_has_not_is_not_confirmed_not_even_when_asked_again(
    servers: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.db.SILENCE_S", 1.0)
    with opened(servers, servers.url, tmp_path) as caller:
        assert post(caller, "waiting 1").status_code == 200
        servers.fall_behind()
        assert [post(caller, "waiting 2").status_code for _ in range(2)] == [503, 503]
        servers.lose_primary()
        servers.promote()
        assert names(caller, "waiting") == ["waiting 1"]
        assert confirmed(caller, "waiting 2").status_code == 200


def test_a_standby_behind_an_address_that_stayed_takes_no_writes_and_is_left(servers: Pair, tmp_path: Path) -> None:
    """A proxy or an address that moves: the connection stays, the server behind it may only read."""
    with opened(servers, servers.url_of_standby(), tmp_path) as caller:
        assert (answer := post(caller, "moved")).status_code == 503, answer.text
        assert caller.get("/tags").status_code == 200
        servers.lose_primary()
        servers.promote()
        assert post(caller, "moved").status_code == 200
