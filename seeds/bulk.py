"""Many rows at once, for loaders alone: past the rules, the audit and the history, in the caller's transaction.

Loaders bring what the rules would derive: version, search words, history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.orm import Session

from crm.entity import entity_of
from crm.finding import referred
from crm.search_text import index_text, with_referred
from seeds.progress import Progress, silent

Row = dict[str, Any]
Item = TypeVar("Item")
CHUNK = 1000


def insert_rows(
    session: Session, table: Table, rows: Sequence[Row], *, what: str = "", progress: Progress = silent
) -> list[int]:
    """Insert `rows`, which all have the same columns; their new numbers, in the order of `rows`.

    The numbers are drawn first: asking for them row by row (RETURNING) takes psycopg five times the CPU.
    """
    numbers = _draw(session, table, len(rows))
    done = 0
    for chunk in chunks(zip(rows, numbers, strict=True)):
        session.connection().execute(insert(table), [row | {"id": number} for row, number in chunk])
        done += len(chunk)
        progress(what, done, len(rows))
    return numbers


def _draw(session: Session, table: Table, count: int) -> list[int]:
    """Numbers for new rows: of the sequence, or behind the last one given where the writer is alone (SQLite)."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        given = text("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = :name")
        last = connection.scalar(given, {"name": table.name}) or 0
        return list(range(last + 1, last + 1 + count))
    sequence = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
    return list(connection.scalars(select(sequence).select_from(func.generate_series(1, count))))


def insert_links(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows of a table that has no numbers, such as the tags of contacts."""
    for chunk in chunks(rows):
        session.connection().execute(insert(table), chunk)


def search_words(model: type[Any], row: Row, *labels: str) -> str:
    """What `crm.audit` would keep as the row's `search_text`; `labels` are the names of what it points at."""
    references = {field.name for field in referred(model)}
    own = (row.get(name) for name in entity_of(model).search if name not in references)
    return with_referred(index_text(own), labels)


def chunks(items: Iterable[Item], size: int = CHUNK) -> Iterator[list[Item]]:
    """`items` in lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
