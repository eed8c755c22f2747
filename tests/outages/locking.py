"""Another program that holds SQLite's write lock, as a careless script would."""

from __future__ import annotations

import sqlite3

from sqlalchemy import make_url

from crm.settings import Settings


class Lock:
    def __init__(self, settings: Settings) -> None:
        self._path = make_url(settings.database).database or ""
        self._connection: sqlite3.Connection | None = None

    def take(self) -> None:
        self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=30)
        self._connection.execute("BEGIN IMMEDIATE")

    def give(self) -> None:
        assert self._connection is not None
        self._connection.execute("ROLLBACK")
        self._connection.close()
