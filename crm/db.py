"""The database of a process: engines, the session class, and `transaction(actor)`, the only commit.

A session belongs to an actor.  `crm.access` narrows what it reads to what the actor may see, `crm.audit` writes down
what it changes; a session opened before both have joined refuses to work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.util import greenlet_spawn

from crm import connections
from crm.actor import Actor
from crm.primary import Primary, normalised
from crm.turns import Turns

Result = TypeVar("Result")
#: names of the listeners that protect every session; `crm.access` and `crm.audit` add theirs when imported
GUARDS: set[str] = set()
#: so long the web waits for a statement before it counts as silence (the server ends each after 5 s)
SILENCE_S = 6
#: so long the web waits for a connection
_CONNECT_S = 3
#: how long a writer of SQLite waits for the others: web and workers
BUSY_MS = {"web": 8_000, "work": 15_000}
#: kept in compiled form: every entity's lists, forms and counts, as each kind of reader sees them, are more than the
#: library's 500, and one that is compiled anew costs ten times its run
_STATEMENTS = 1_500
#: how often `run` begins anew where PostgreSQL gave its transaction up for another one
TRIES = 4
#: of several transactions that wait for each other one is given up: serialization failure, deadlock
_GIVEN_UP = frozenset({"40001", "40P01"})
_NEEDED = {"access", "audit"}


class CrmSession(Session):
    """A session that knows its actor (`session.info["actor"]`)."""

    @property
    def actor(self) -> Actor:
        actor: Actor | None = self.info.get("actor")
        if actor is None:
            raise RuntimeError("a session needs an actor: open it with transaction(actor) or read_only(actor)")
        return actor


def actor_of(session: Session) -> Actor:
    """Whose session it is; every session of this product is a CrmSession."""
    assert isinstance(session, CrmSession)
    return session.actor


class Database:
    """The engines of one process.  Synchronous for workers and commands, asynchronous for the web doors.

    On SQLite, writes go through one engine that begins every transaction with BEGIN IMMEDIATE, and reads through
    another that cannot write, so that lists answer while a writer holds its lock.
    """

    def __init__(self, url: str, *, pool_size: int = 10, statement_timeout_s: int = 60) -> None:
        self.url = normalised(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.primary = Primary()
        self._pool_size = pool_size
        self._timeout_s = statement_timeout_s
        self._engines: dict[str, Engine] = {}
        self._async_engines: dict[str, AsyncEngine] = {}
        self._turns = Turns(pool_size, patience_s=_CONNECT_S)

    # ------------------------------------------------------------------ engines

    def engine(self, *, write: bool = True) -> Engine:
        kind = "write" if write or not self.is_sqlite else "read"
        if kind not in self._engines:
            driver = "sqlite+pysqlite" if self.is_sqlite else "postgresql+psycopg"
            options = self._options(f"-c statement_timeout={self._timeout_s}s -c lock_timeout=10s")
            engine = create_engine(self.url.set(drivername=driver), **options)
            self._prepare(engine, write=write, user="work")
            self._engines[kind] = engine
        return self._engines[kind]

    def async_engine(self, *, write: bool = True) -> AsyncEngine:
        kind = "write" if write or not self.is_sqlite else "read"
        if kind not in self._async_engines:
            driver = "sqlite+aiosqlite" if self.is_sqlite else "postgresql+asyncpg"
            engine = create_async_engine(self.url.set(drivername=driver), **self._async_options())
            self._prepare(engine.sync_engine, write=write, user="web")
            self._async_engines[kind] = engine
        return self._async_engines[kind]

    def _options(self, pg_options: str) -> dict[str, Any]:
        return self._pooled(10, {"connect_timeout": 3, "options": pg_options})

    def _async_options(self) -> dict[str, Any]:
        server = {"statement_timeout": "5s", "lock_timeout": "3s", "jit": "off"}
        server["idle_in_transaction_session_timeout"] = "10s"
        times = {"timeout": _CONNECT_S, "command_timeout": SILENCE_S}
        return self._pooled(_CONNECT_S, {"async_creator_fn": self.primary.connect, "server_settings": server, **times})

    def _pooled(self, wait_s: int, connect: dict[str, Any]) -> dict[str, Any]:
        """No error quotes the values that were sent; `connect` is for PostgreSQL alone."""
        kept = {"pool_size": self._pool_size, "max_overflow": 0, "pool_timeout": wait_s, "hide_parameters": True}
        kept["query_cache_size"] = _STATEMENTS
        return kept if self.is_sqlite else {**kept, "connect_args": connect}

    def _prepare(self, engine: Engine, *, write: bool, user: str) -> None:
        if self.is_sqlite:
            connections.prepare_sqlite(engine, write=write, busy_ms=BUSY_MS[user])
        else:
            connections.ping_idle(engine)
            connections.leave_standbys(engine)

    # ------------------------------------------------------------------ sessions

    @contextmanager
    def transaction(self, actor: Actor, **info: Any) -> Iterator[CrmSession]:
        """The only commit: everything flushed inside is kept together, or none of it."""
        _guarded()
        with CrmSession(self.engine(), info={"actor": actor, **info}) as session, session.begin():
            yield session

    @contextmanager
    def read_only(self, actor: Actor, **info: Any) -> Iterator[CrmSession]:
        """A session for reading; what it changes is rolled back."""
        _guarded()
        with CrmSession(self.engine(write=False), info={"actor": actor, **info}) as session:
            yield session

    @asynccontextmanager
    async def transaction_async(self, actor: Actor, **info: Any) -> AsyncIterator[AsyncSession]:
        """`transaction` for the web doors: call services with `await session.run_sync(service, …)`."""
        _guarded()
        async with self._async_session(True, actor, info) as session, session.begin():
            yield session

    @asynccontextmanager
    async def read_only_async(self, actor: Actor, **info: Any) -> AsyncIterator[AsyncSession]:
        """`read_only` for the web doors."""
        _guarded()
        async with self._async_session(False, actor, info) as session:
            yield session

    async def run(self, actor: Actor, service: Callable[..., Result], *arguments: Any, **info: Any) -> Result:
        """`service(session, *arguments)` in one transaction, from begin to commit in one step of the event loop's
        greenlet: what an AsyncSession does in five.  For the web doors' writes.

        Where the database gives it up so that others may go on, it is done again from its beginning: so `service` may
        change nothing but what stands in its session.
        """
        _guarded()
        engine = self.async_engine().sync_engine
        async with self._turns:
            for left in reversed(range(TRIES)):
                try:
                    return await greenlet_spawn(_in_transaction, engine, {"actor": actor, **info}, service, arguments)
                except DBAPIError as error:
                    if not (left and _was_given_up(error)):
                        raise
        raise AssertionError("the last try returns or raises")

    def _async_session(self, write: bool, actor: Actor, info: dict[str, Any]) -> AsyncSession:
        engine = self.async_engine(write=write)
        kept: dict[str, Any] = {"actor": actor, **info}
        return AsyncSession(engine, sync_session_class=CrmSession, expire_on_commit=False, info=kept)

    def dispose(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()

    async def dispose_async(self) -> None:
        for engine in self._async_engines.values():
            await engine.dispose()
        self._async_engines.clear()
        self.dispose()


def _in_transaction(
    engine: Engine, info: dict[str, Any], service: Callable[..., Result], arguments: tuple[Any, ...]
) -> Result:
    with CrmSession(engine, info=info, expire_on_commit=False) as session, session.begin():
        return service(session, *arguments)


def _was_given_up(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) in _GIVEN_UP


def _guarded() -> None:
    if not _NEEDED <= GUARDS:
        raise RuntimeError(f"sessions are not protected yet: import {sorted(_NEEDED - GUARDS)} first")
