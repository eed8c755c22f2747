"""SQLite: a consistent copy while others write, and a restored file put in the place of the live one in one step."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, text

from crm.db import Database
from crm.errors import Conflict

#: so long the restored file waits for others to let go of the database
PATIENCE_S = 15.0


def snapshot(database: Database, target: Path) -> None:
    """A copy of one instant, which holds nobody up: writers go on in the log."""
    source = database.url.database or ""
    with closing(sqlite3.connect(source, timeout=PATIENCE_S)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))
    target.chmod(0o600)


def counts(connection: Connection) -> dict[str, int]:
    """Rows by table; the search's shadow tables are left out."""
    rows = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"))
    names = [name for (name,) in rows if not name.startswith("sqlite_") and "_search" not in name]
    return {name: int(connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0) for name in names}


def check(connection: Connection) -> None:
    """Raises Conflict if the file is not sound."""
    found = connection.scalar(text("PRAGMA integrity_check"))
    if found != "ok" or connection.execute(text("PRAGMA foreign_key_check")).first():
        raise Conflict("The database in the archive is not sound: %(why)s", why=found)


def put_in_place(source: Path, target: Path) -> None:
    """The restored file becomes the database, in one transaction of SQLite's own; raises Conflict if it is in use."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + PATIENCE_S

    def watch(_status: int, remaining: int, _total: int) -> None:
        if remaining and time.monotonic() > deadline:
            raise Conflict("The database is in use: stop all processes before it is restored")

    with closing(sqlite3.connect(source)) as made, closing(sqlite3.connect(target, timeout=1)) as live:
        made.backup(live, progress=watch, sleep=0.1)
        live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    target.chmod(0o600)
