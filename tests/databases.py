"""Empty, migrated databases for the tests, at the price of a few milliseconds each.

SQLite: a copy of a template file.  PostgreSQL: a clone of a template database, used again after its rows are deleted:
a clone of forty tables with their indexes takes a quarter of a second on a busy machine, and so does TRUNCATE, while
DELETE of what one test wrote takes one millisecond.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import psycopg
from psycopg import sql

from crm.db import Database
from crm.migrations.run import upgrade
from tests import servers

TEMPLATE = "template_crm"
#: deleted rows stay in the files, as nothing vacuums here; a database that has grown so much is cloned anew
LARGEST_USED_AGAIN = 8 * 2**20
TABLES = "FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
#: differs when a test has changed the schema
SHAPE = """
    SELECT (SELECT string_agg(version_num, ',') FROM alembic_version),
        (SELECT (count(*), max(oid))::text FROM pg_class WHERE relnamespace = 'public'::regnamespace),
        (SELECT (count(*), max(oid))::text FROM pg_constraint),
        (SELECT (count(*), max(oid))::text FROM pg_trigger),
        (SELECT count(*) FROM pg_attribute WHERE NOT attisdropped AND attrelid >= 16384)
"""
ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
COUNTED_FROM_ONE = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE last_value IS NOT NULL
"""


class Databases:
    """Those of one test process; all processes of a run share the templates."""

    def __init__(self, run: Path, owner: int) -> None:
        self._run = run
        self._owner = owner
        self._used: list[str] = []
        self._address = ""
        self._shape: object = None
        self._delete = sql.Composed([])

    def take(self, backend: str) -> str:
        """The URL of an empty, migrated database that nobody else uses."""
        return self._copy() if backend == "sqlite" else self._address_of(self._empty_one())

    def give_back(self, url: str) -> None:
        """It may be removed, or emptied and taken again."""
        if url.startswith("sqlite"):
            path = Path(url.removeprefix("sqlite:///"))
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()
        else:
            self._used.append(url.partition("?")[0].rpartition("/")[2])

    # ---------------------------------------------------------------------------------------------- SQLite

    def _copy(self) -> str:
        template = self._run / "template.sqlite3"
        with servers.locked(self._run / "template.sqlite.lock"):
            if not template.exists():
                draft = self._run / "draft.sqlite3"
                _migrate(f"sqlite:///{draft}")
                draft.rename(template)
        copy = self._run / f"{uuid.uuid4().hex}.sqlite3"
        shutil.copyfile(template, copy)
        return f"sqlite:///{copy}"

    # ---------------------------------------------------------------------------------------------- PostgreSQL

    def _address_of(self, name: str) -> str:
        return self._address % name

    def _empty_one(self) -> str:
        if not self._address:
            self._address = servers.postgresql(self._run, self._owner)
            self._make_template()
        while self._used:
            name = self._used.pop()
            if self._is_emptied(name):
                return name
            self._order(f"DROP DATABASE {name} WITH (FORCE)")
        name = f"test_{uuid.uuid4().hex}"
        # Without fsync a copy of files takes half the time of the default, a copy through the log.
        self._order(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        return name

    def _make_template(self) -> None:
        with servers.locked(self._run / "template.postgresql.lock"):
            made = self._run / "template.postgresql"
            if not made.exists():
                self._order(f"CREATE DATABASE {TEMPLATE}")
                _migrate(self._address_of(TEMPLATE))
                made.touch()
            with psycopg.connect(self._address_of(TEMPLATE)) as connection:
                self._shape = connection.execute(SHAPE).fetchone()
                names = connection.execute(f"SELECT relname {TABLES}").fetchall()
                deletes = [sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for (name,) in names]
                self._delete = sql.SQL("; ").join(deletes)
                _hold_no_rows(connection, [name for (name,) in names])

    def _is_emptied(self, name: str) -> bool:
        """False if it is not as it was and has to go."""
        try:
            with psycopg.connect(self._address_of(name), autocommit=True) as connection:
                connection.execute(ENDED, [connection.info.backend_pid])
                if connection.execute(SHAPE).fetchone() != self._shape or _size(connection) > LARGEST_USED_AGAIN:
                    return False
                # The role of a replica skips foreign keys and triggers, so that the order does not matter.
                connection.execute("SET lock_timeout = '5s'; SET session_replication_role = replica")
                connection.execute(self._delete)
                connection.execute(COUNTED_FROM_ONE)
        except psycopg.Error:
            return False
        return True

    def _order(self, statement: str) -> None:
        with psycopg.connect(self._address_of("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement))


def _size(connection: psycopg.Connection) -> int:
    found = connection.execute(f"SELECT sum(pg_relation_size(oid))::bigint {TABLES}").fetchone()
    return int(found[0]) if found else 0


def _hold_no_rows(connection: psycopg.Connection, names: list[str]) -> None:
    """Emptying would take away what a migration has put in."""
    for name in names:
        statement = sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(name))
        assert connection.execute(statement).fetchone() is None, f"a migration fills {name}: clone for each test"


def _migrate(url: str) -> None:
    database = Database(url)
    upgrade(database)
    database.dispose()
