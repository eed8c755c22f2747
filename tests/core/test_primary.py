"""Addresses of more than one database server, and which of them is used."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from crm.db import Database
from crm.primary import Primary, normalised
from tests.loops import serving

PLAIN = {"target_session_attrs": "primary"}
TWO = {**PLAIN, "host": "db1,db2", "port": "5432,5433"}


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("postgres://me:pass@db1/crm", PLAIN),
        ("postgresql+psycopg2://me:pass@db1:5433/crm", PLAIN),
        ("postgresql://me:pass@db1,db2:5433/crm", TWO),
        ("postgresql://me:pass@db1:5432,db2:5433/crm?sslmode=require", {**TWO, "sslmode": "require"}),
        ("postgresql://me:pass@/crm?host=db1,db2&port=5432,5433", TWO),
        ("postgresql://me:pass@/crm?host=db1:5432&host=db2:5433", TWO),
        ("postgresql://me:pass@[::1]:5432,db2/crm", {**PLAIN, "host": "::1,db2", "port": "5432,5432"}),
        ("postgresql://me:pass@/crm?host=/run/a,/run/b", {**PLAIN, "host": "/run/a,/run/b", "port": "5432,5432"}),
        ("postgresql://me:pass@db1/crm?target_session_attrs=any", {"target_session_attrs": "any"}),
        ("postgresql://me:a,b%40/c@db1/crm", PLAIN),
    ],
)
def test_an_address_may_name_several_servers(url: str, query: dict[str, str]) -> None:
    read = normalised(url)
    assert (read.drivername, read.username, read.database) == ("postgresql", "me", "crm")
    assert read.password == ("a,b@/c" if "a,b" in url else "pass")
    assert dict(read.query) == query


@pytest.mark.parametrize("places", ["db1:x,db2", "db1:5432,:5433", "db1,/crm"])
def test_what_names_no_server_is_refused(places: str) -> None:
    with pytest.raises(ValueError, match="a server is missing"):
        normalised(f"postgresql://me:secret@{places}/crm")


def test_as_many_ports_as_servers_are_needed() -> None:
    with pytest.raises(ValueError, match="as many ports"):
        normalised("postgresql://me@/crm?host=db1,db2,db3&port=1,2")


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)  # SQLite is no server
def test_a_server_that_says_nothing_is_passed_over_and_asked_last_from_then_on(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.primary.LEAST_S", 0.3)
    visits: list[object] = []

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(writer)
        await asyncio.Event().wait()

    async def begin() -> None:
        await asyncio.start_unix_server(say_nothing, tmp_path / ".s.PGSQL.5432")

    async def connect(primary: Primary) -> object:
        hosts = [str(tmp_path), str(database.url.query["host"])]
        told = {"user": "postgres", "database": database.url.database, "target_session_attrs": "primary"}
        made = await primary.connect(host=hosts, port=[5432, 5432], timeout=0.3, **told)
        answer = await made.fetchval("SELECT 1")
        await made.close()
        return answer

    async def twice() -> list[object]:
        primary = Primary()
        return [await connect(primary), await connect(primary)]

    with serving(begin):
        assert asyncio.run(twice()) == [1, 1]
    assert len(visits) == 1


def test_where_none_answers_the_error_is_that_of_a_line(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No such file|refused|takes writes"):
        asyncio.run(Primary().connect(host=[str(tmp_path), str(tmp_path)], port=[1, 2], timeout=1, user="me"))
