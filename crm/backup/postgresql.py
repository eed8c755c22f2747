"""PostgreSQL without any program of its own: COPY of every table in one snapshot, and back in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, Any

from psycopg import sql
from sqlalchemy import Connection, text

from crm.backup.archive import CHUNK, Progress, Writer
from crm.db import Database

_TABLES = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname <> 'alembic_version'
    ORDER BY relname
"""
_COLUMNS = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = to_regclass(:name) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema()"
_KEYS = """
    SELECT conrelid::regclass::text AS child, conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
"""


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """A connection that sees one instant, however long it takes, and cannot write."""
    with database.engine().connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        yield connection


def tables(connection: Connection) -> list[str]:
    return list(connection.scalars(text(_TABLES)))


def columns(connection: Connection, table: str) -> list[str]:
    """Those that are stored; the others are computed anew."""
    return list(connection.scalars(text(_COLUMNS), {"name": f'"{table}"'}))


def sequences(connection: Connection) -> dict[str, int]:
    """The last number each sequence gave; no number is given twice, not even that of a row deleted since."""
    return {name: last for name, last in connection.execute(text(_SEQUENCES)) if last is not None}


def write(connection: Connection, archive: Writer, progress: Progress) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Every table as a member; its rows and columns by table."""
    names = tables(connection)
    counts, kept = {}, {}
    for done, name in enumerate(names):
        progress("tables", done, len(names))
        kept[name] = columns(connection, name)
        with TemporaryFile() as spool:
            counts[name] = _copy_out(connection, name, kept[name], spool)
            size = spool.tell()
            spool.seek(0)
            archive.add(f"database/{name}.copy", spool, size)
    progress("tables", len(names), len(names))
    return counts, kept


def _copy_out(connection: Connection, table: str, names: list[str], target: IO[bytes]) -> int:
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(_name(table), sql.SQL(", ").join(map(_name, names)))
    with _driver(connection).cursor() as cursor:
        with cursor.copy(statement) as copy:
            for data in copy:
                target.write(data)
        return int(cursor.rowcount)


def copy_in(connection: Connection, table: str, names: list[str], source: IO[bytes]) -> int:
    """The rows of one member into an empty table; how many."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(_name(table), sql.SQL(", ").join(map(_name, names)))
    with _driver(connection).cursor() as cursor:
        with cursor.copy(statement) as copy:
            while data := source.read(CHUNK):
                copy.write(data)
        return int(cursor.rowcount)


@contextmanager
def without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Tables refer to each other in circles: the keys are taken away, and put back (and so checked) at the end.

    Nobody sees it: all of it is one transaction.
    """
    keys = connection.execute(text(_KEYS)).all()
    for key in keys:
        _run(connection, f"ALTER TABLE {key.child} DROP CONSTRAINT {{}}", key.name)
    yield
    for key in keys:
        _run(connection, f"ALTER TABLE {key.child} ADD CONSTRAINT {{}} {key.definition}", key.name)


def set_sequences(connection: Connection, numbers: dict[str, int]) -> None:
    for name, last in numbers.items():
        known = {"name": f'"{name}"', "last": last}
        connection.execute(text("SELECT setval(to_regclass(:name), :last)"), known)


def _run(connection: Connection, template: str, name: str) -> None:
    with _driver(connection).cursor() as cursor:
        cursor.execute(sql.SQL(template).format(_name(name)))  # type: ignore[arg-type, unused-ignore]


def _name(text: str) -> sql.Identifier:
    return sql.Identifier(text)


def _driver(connection: Connection) -> Any:
    """psycopg's own connection, in the same transaction."""
    return connection.connection.driver_connection
