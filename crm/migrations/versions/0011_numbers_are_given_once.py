"""SQLite gives no number twice, as PostgreSQL never has: AUTOINCREMENT on every table that numbers its rows."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels = None
depends_on = None
PLAIN, COUNTING = "PRIMARY KEY (id)", "PRIMARY KEY (id AUTOINCREMENT)"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    # the table of the counters is made with the first table that has one
    op.create_table("counting", sa.Column("id", sa.Integer, primary_key=True), sqlite_autoincrement=True)
    op.drop_table("counting")
    tables = _rewrite(connection, PLAIN, COUNTING)
    for table in tables:
        op.execute(
            f"""INSERT INTO sqlite_sequence (name, seq) SELECT '{table}', max(
                coalesce((SELECT max(id) FROM "{table}"), 0),
                coalesce((SELECT max(record_id) FROM audit_entry WHERE entity = '{table}'), 0)
            )"""
        )


def downgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        _rewrite(connection, COUNTING, PLAIN)
        op.execute("DELETE FROM sqlite_sequence")


def _rewrite(connection: sa.Connection, before: str, after: str) -> list[str]:
    """Change how the tables are declared and not a byte of what they hold; their names.

    A table's rows lie alike with and without AUTOINCREMENT, so that the declaration may be edited in place, as
    https://sqlite.org/lang_altertable.html#otheralter describes.  Copying each table would fire the triggers of the
    search, and the foreign keys, which cannot be switched off within a transaction.
    """
    wanted = sa.text("SELECT name FROM sqlite_master WHERE type = 'table' AND instr(sql, :before) ORDER BY name")
    tables = list(connection.scalars(wanted, {"before": before}))
    _open_catalogue(connection)
    version = connection.scalar(sa.text("PRAGMA schema_version")) or 0
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    rewrite = sa.text(
        "UPDATE sqlite_master SET sql = replace(sql, :before, :after) WHERE type = 'table' AND instr(sql, :before)"
    )
    connection.execute(rewrite, {"before": before, "after": after})
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = RESET"))
    return tables


def _open_catalogue(connection: sa.Connection) -> None:
    """Some builds of SQLite, such as Apple's, keep it closed unless they are told otherwise; Python can since 3.12."""
    driver: Any = connection.connection.driver_connection
    flag = getattr(sqlite3, "SQLITE_DBCONFIG_DEFENSIVE", None)
    if flag is not None:
        driver.setconfig(flag, False)
