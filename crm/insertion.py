"""A new record and its audit entry by one statement, where nothing else waits to be flushed.

The unit of work would send the same two INSERTs after a long look around; on asyncpg, where the web doors write, one
statement of a kind is kept as text.  Everything else goes the way of the flush.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, insert, inspect, select
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.schema import CallableColumnDefault, Column, ScalarElementColumnDefault

from crm.audit import entry_of_new
from crm.models.audit_entry import AuditEntry
from crm.prepared import Prepared

#: tables for whose rows somebody listens to the session's flush: `crm.rights` does for these, services add theirs
WATCHED: set[str] = {"user", "role", "role_permission", "team"}
#: asked of a new record: does a listener of the flush have to see this one?
NEWS: list[Callable[[Session, Any], bool]] = []
_KEPT: dict[type[Any], Prepared] = {}


def insert_alone(session: Session, record: Any) -> bool:
    """Insert `record`, the only thing the session holds back; False where that has to be left to the flush."""
    if not _is_alone(session, record):
        return False
    connection = session.connection()
    if connection.dialect.driver != "asyncpg":
        return False
    entry = entry_of_new(session, record)
    if entry is None:
        return False
    values = _row(record)
    prepared = _prepared(type(record), connection.dialect)
    session.expunge(record)
    try:
        key = _run(connection, prepared, values | {f"audit_{name}": value for name, value in entry.items()})
    except BaseException:
        session.add(record)
        raise
    record.__dict__.update(values, id=key)
    make_transient_to_detached(record)
    session.add(record)
    return True


def _is_alone(session: Session, record: Any) -> bool:
    if record.__tablename__ in WATCHED or len(session.new) != 1 or session.deleted or session.dirty:
        return False
    state = inspect(record)
    heard: Any = state.mapper.dispatch
    if heard.before_insert or heard.after_insert or any(concerns(session, record) for concerns in NEWS):
        return False
    return not any(relation.key in state.dict for relation in state.mapper.relationships)


def _row(record: Any) -> dict[str, Any]:
    """Every column but the key, with the defaults a flush would fill in."""
    given = record.__dict__
    columns = record.__table__.columns
    values = {c.key: given[c.key] if c.key in given else _default(c) for c in columns if not c.primary_key}
    return values | {"version": 1} if "version" in values else values


def _default(column: Column[Any]) -> Any:
    default = column.default
    if isinstance(default, CallableColumnDefault):
        return default.arg(None)  # type: ignore[arg-type]  # ours take no context
    return default.arg if isinstance(default, ScalarElementColumnDefault) else None


def _prepared(model: type[Any], dialect: Dialect) -> Prepared:
    if model not in _KEPT:
        named = [c.key for c in inspect(model).columns]
        named += [f"audit_{c.key}" for c in inspect(AuditEntry).columns]
        _KEPT[model] = Prepared(_statement(model), dialect, named=named)
    return _KEPT[model]


def _statement(model: type[Any]) -> ReturningInsert[Any]:
    """WITH new AS (INSERT … RETURNING id) INSERT INTO audit_entry … SELECT …, id FROM new RETURNING record_id"""
    table, audit = inspect(model).local_table, inspect(AuditEntry).local_table
    row = {c.key: bindparam(c.key, None, type_=c.type) for c in table.columns if not c.primary_key}
    new = insert(model).values(row).returning(table.c.id).cte("new")
    told = [c for c in audit.columns if c.key not in ("id", "record_id")]
    entry = [bindparam(f"audit_{c.key}", None, type_=c.type) for c in told]
    made = insert(AuditEntry).from_select([*(c.key for c in told), "record_id"], select(*entry, new.c.id))
    return made.returning(audit.c.record_id)


def _run(connection: Connection, prepared: Prepared, values: dict[str, Any]) -> int:
    key: int = connection.exec_driver_sql(prepared.sql, tuple(prepared.arguments(values))).scalar_one()
    return key
