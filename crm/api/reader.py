"""Connections for prepared selects: SQL text and plain values straight to the driver, nothing in between.

A read is one statement on a connection that commits by itself and cannot write.  SQLAlchemy still writes the text.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import asyncpg
from sqlalchemy import Dialect
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import asyncpg as postgresql

from crm.db import BUSY_MS, SILENCE_S, Database
from crm.errors import Unavailable
from crm.outages import GONE, LOST
from crm.prepared import Prepared, Values
from crm.turns import Turns

_DRIVER = "postgresql+asyncpg"
_CONNECT_S = 3
_SERVER = {
    "statement_timeout": "5s",
    "jit": "off",
    "default_transaction_read_only": "on",
    "application_name": "crm-reads",
}
_LOST = (*LOST, asyncpg.CannotConnectNowError)
Rows = Sequence[Sequence[Any]]


class Reader(Protocol):
    """Runs prepared selects; Unavailable if there is no database to run them on."""

    dialect: Dialect

    async def fetch(self, prepared: Prepared, values: Values) -> Rows: ...

    async def close(self) -> None: ...


def open_reader(database: Database, *, size: int) -> Reader:
    """The reader that fits the database; connects when first used."""
    return SqliteReader(database) if database.is_sqlite else PostgresReader(database, size)


class PostgresReader:
    """At most `size` asyncpg connections, the last one given back taken first."""

    def __init__(self, database: Database, size: int) -> None:
        self.dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        dialect: Any = self.dialect
        self._options: dict[str, Any] = dialect.create_connect_args(database.url.set(drivername=_DRIVER))[1]
        self._connection = database.primary.connect
        self._idle: deque[Any] = deque()
        self._turns = Turns(size, patience_s=_CONNECT_S)

    async def fetch(self, prepared: Prepared, values: Values) -> Rows:
        arguments = prepared.arguments(values)
        try:
            return await self._run(prepared.sql, arguments)
        except TimeoutError:  # silence is not waited for twice
            raise Unavailable(GONE) from None
        except _LOST:
            self._drop_idle()  # a restarted server leaves them all dead: once more, on a new one
        try:
            return await self._run(prepared.sql, arguments)
        except _LOST:
            raise Unavailable(GONE) from None

    async def _run(self, sql: str, arguments: list[Any]) -> Rows:
        connection: Any = None
        async with self._turns:
            try:
                connection = self._idle.pop() if self._idle else await self._connect()
                rows: Rows = await connection.fetch(sql, *arguments)
            except asyncpg.QueryCanceledError:
                raise Unavailable("The request took too long; narrow it down") from None
            except BaseException:
                if connection is not None:
                    connection.terminate()
                raise
            self._idle.append(connection)
            return rows

    async def _connect(self) -> Any:
        try:
            return await self._connection(
                **self._options,
                timeout=_CONNECT_S,
                command_timeout=SILENCE_S,
                statement_cache_size=1000,
                server_settings=_SERVER,
            )
        except asyncpg.PostgresError as error:  # too many clients, still starting, no such database
            raise OSError(str(error)) from None

    def _drop_idle(self) -> None:
        while self._idle:
            self._idle.pop().terminate()

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()


class SqliteReader:
    """A few threads, each with a connection that cannot write: one hop a read."""

    def __init__(self, database: Database) -> None:
        self.dialect: Dialect = sqlite.dialect()
        self._path = database.url.database or ""
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="sqlite-read")
        self._own = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def fetch(self, prepared: Prepared, values: Values) -> Rows:
        loop, arguments = asyncio.get_running_loop(), prepared.arguments(values)
        try:
            return await loop.run_in_executor(self._threads, self._run, prepared.sql, arguments)
        except sqlite3.OperationalError:
            raise Unavailable(GONE) from None

    def _run(self, sql: str, arguments: list[Any]) -> Rows:
        return self._connection().execute(sql, arguments).fetchall()

    def _connection(self) -> sqlite3.Connection:
        made: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if made is None:
            made = sqlite3.connect(self._path, isolation_level=None, cached_statements=500, check_same_thread=False)
            for pragma in (f"busy_timeout={BUSY_MS['web']}", "temp_store=MEMORY", "query_only=ON"):
                made.execute(f"PRAGMA {pragma}")
            self._own.connection = made
            self._opened.append(made)
        return made

    async def close(self) -> None:
        self._threads.shutdown(wait=True)
        for connection in self._opened:
            connection.close()
