"""Reading on connections that break."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text

from crm.api.reader import Reader, open_reader
from crm.db import Database
from crm.models import Tag
from crm.prepared import Prepared
from tests.outages.proxy import Proxy, between
from tests.waiting import until

CUT = text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'crm-reads'")


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)  # SQLite has no connections to cut
def test_a_connection_that_knows_of_its_end_but_has_not_ended_counts_as_lost(
    database: Database, tmp_path: Path
) -> None:
    run = Path(str(database.url.query["host"]))
    with between(run / ".s.PGSQL.5432", tmp_path / ".s.PGSQL.5432") as wire:
        wire.lingers = True
        reader = open_reader(Database(str(database.url.set(query={"host": str(tmp_path)}))), size=1)
        first, second = asyncio.run(_before_and_after(database, reader, wire))
    assert first == second


async def _before_and_after(database: Database, reader: Reader, wire: Proxy) -> tuple[object, object]:
    asked = Prepared(select(Tag.__table__), reader.dialect)
    before = await reader.fetch(asked, {})
    engine = create_engine(database.url.set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        assert connection.scalar(CUT)
    engine.dispose()
    until(lambda: wire.ends)
    for _ in range(3):
        await asyncio.sleep(0)  # the server's last words are read
    wire.lingers = False
    after = await reader.fetch(asked, {})
    await reader.close()
    return before, after
