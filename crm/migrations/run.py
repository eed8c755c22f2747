"""Bring a database to the newest schema: one process at a time, each migration in one transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from crm.db import Database

_LOCK = 7215_0001
_FOLDER = Path(__file__).parent


def upgrade(database: Database) -> bool:
    """Migrate to the newest revision; True if there was anything to do."""
    with database.engine().begin() as connection:
        if not database.is_sqlite:  # on SQLite, BEGIN IMMEDIATE is the lock
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if _current(connection) == head():
            return False
        command.upgrade(config(connection), "head")
    return True


def is_current(database: Database) -> bool:
    """Is the database at the newest revision?"""
    with database.engine().connect() as connection:
        return _current(connection) == head()


def head() -> str | None:
    return ScriptDirectory(str(_FOLDER)).get_current_head()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def config(connection: Connection | None = None) -> Config:
    made = Config()
    made.set_main_option("script_location", str(_FOLDER))
    made.attributes["connection"] = connection
    return made
