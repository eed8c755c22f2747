"""What each database's connections need before they are used: PostgreSQL a sign of life, SQLite its settings."""

from __future__ import annotations

from time import monotonic
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

#: a connection that was idle for longer is asked whether it still lives
IDLE_S = 1.0
#: so long the web waits for that sign
PING_S = 2
#: PostgreSQL's read_only_sql_transaction
_READ_ONLY = "25006"


def ping_idle(engine: Engine) -> None:
    """Ask a connection that lay idle for a second whether it still lives, as `pool_pre_ping` asks every one.

    A busy pool is spared one round trip a transaction; after a restart of the server nobody sees the dead connections.
    """

    @event.listens_for(engine, "checkin")
    def _checkin(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = monotonic()

    @event.listens_for(engine, "checkout")
    def _checkout(connection: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get("idle_since", float("inf")) < IDLE_S:
            return
        try:
            if engine.dialect.is_async:
                connection.run_async(_ping)
            else:
                engine.dialect.do_ping(connection)
        except Exception as error:
            raise DisconnectionError from error


async def _ping(connection: Any) -> None:
    """asyncpg's; a server that is frozen would else be waited for as long as for a statement, and once more at the
    end of the connection.
    """
    try:
        await connection.execute("SELECT 1", timeout=PING_S)
    except Exception:
        connection.terminate()
        raise


def leave_standbys(engine: Engine) -> None:
    """A server that may not write has become a standby, behind an address that stayed: its connections are lost."""

    @event.listens_for(engine, "handle_error")
    def _error(context: Any) -> None:
        if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
            context.is_disconnect = True


def prepare_sqlite(engine: Engine, *, write: bool, busy_ms: int) -> None:
    """WAL, foreign keys, and our own BEGIN: SQLAlchemy's default lost 1,030 of 1,200 concurrent updates."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        pragmas = [f"busy_timeout={busy_ms}", "foreign_keys=ON", "temp_store=MEMORY"]
        pragmas += ["journal_mode=WAL", "synchronous=FULL"] if write else ["query_only=ON"]
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
