"""Bring a database to the newest schema: one process at a time, each migration in one transaction."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, text

from crm.db import Database
from crm.migrations import newest, stands_at

_LOCK = 7215_0001
_FOLDER = Path(__file__).parent


def upgrade(database: Database, applied: Callable[[int, int], None] | None = None) -> bool:
    """Migrate to the newest revision; True if there was anything to do.

    `applied` is told of each migration that is done: how many, and of how many.
    """
    with database.engine().begin() as connection:
        if not database.is_sqlite:  # on SQLite, BEGIN IMMEDIATE is the lock
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        current = stands_at(connection)
        if current == newest():
            return False
        prepared = config(connection)
        prepared.attributes["applied"] = _counting(current, applied) if applied else None
        command.upgrade(prepared, "head")
    return True


def _counting(current: str, applied: Callable[[int, int], None]) -> Callable[[], None]:
    total = sum(1 for _ in ScriptDirectory(str(_FOLDER)).iterate_revisions("head", current or "base"))
    done = iter(range(1, total + 1))
    return lambda: applied(next(done), total)


def draft(message: str) -> Path:
    """Write the migration that leads from the newest revision to the models as they are now; the path of its file.

    It is compared with a scratch SQLite database, never with real data.  A new table comes with all of its indexes; an
    expression index, or a search index, that an old table gets is not seen by the comparison: read the file.
    """
    with TemporaryDirectory() as folder:
        scratch = Database(f"sqlite:///{folder}/scratch.sqlite3")
        upgrade(scratch)
        with scratch.engine().begin() as connection:
            made = command.revision(config(connection), message, autogenerate=True, rev_id=_next())
        scratch.dispose()
    assert isinstance(made, Script)
    _tidy(Path(made.path))
    return Path(made.path)


def _tidy(file: Path) -> None:
    """As `make format` and `make lint-fix` would, where the tools for development are installed."""
    if find_spec("ruff"):
        for words in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
            subprocess.run([sys.executable, "-m", "ruff", *words, file], check=False, capture_output=True)


def _next() -> str:
    return f"{int(newest()) + 1:04d}"


def is_current(database: Database) -> bool:
    """Is the database at the newest revision?"""
    with database.engine().connect() as connection:
        return stands_at(connection) == newest()


def knows(revision: str) -> bool:
    """Is that a revision of ours, or one of a later version?"""
    return any(script.revision == revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions())


def move(connection: Connection, revision: str) -> None:
    """Bring the schema to a revision, up or down (`base`: no tables), within the caller's transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    if revision == "base":
        command.downgrade(config(connection), "base")
    else:
        command.upgrade(config(connection), revision)


def config(connection: Connection | None = None) -> Config:
    made = Config()
    made.set_main_option("script_location", str(_FOLDER))
    made.attributes["connection"] = connection
    return made
