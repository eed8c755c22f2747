"""Who changed what: one row per changed record, in the transaction of the change; secrets are masked.

Importing this module makes every CrmSession write its audit.  It also stamps what the flush saves: `updated_at`,
`created_by` and the words of the search index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import event, insert, inspect
from sqlalchemy.orm import InstanceState, Session
from sqlalchemy.orm.base import LoaderCallableStatus

from crm.columns import now
from crm.db import GUARDS, CrmSession, actor_of
from crm.entity import entity_of, name_of
from crm.finding import words_of
from crm.logs import request_id
from crm.models.audit_entry import AuditEntry
from crm.models.base import Base

MASK = "***"
_UNTOLD = frozenset(
    {"id", "version", "created_at", "updated_at", "created_by", "search_text", "path", "seconds_before_hold"}
)
_UNKEPT = _UNTOLD | {"access_version"}
Changes = dict[str, list[Any]]
_WRITE = insert(AuditEntry)
_WRITE_ONE = _WRITE.inline()


@event.listens_for(CrmSession, "before_flush")
def _stamp_all(session: Session, _context: Any, _instances: Any) -> None:
    user_id = actor_of(session).user_id
    for record in session.new:
        _stamp(session, record, user_id, is_new=True)
    for record in session.dirty:
        if session.is_modified(record):
            _stamp(session, record, user_id, is_new=False)


@event.listens_for(CrmSession, "after_flush")
def _write_down(session: Session, _context: Any) -> None:
    """Keys are known by now, and what each attribute was before is not yet forgotten."""
    if session.info.get("audit_off"):
        return
    entries = list(_entries(session))
    if entries:
        # one row by itself is spared the way of many, and nobody asks for its number
        one = len(entries) == 1
        session.connection().execute(_WRITE_ONE if one else _WRITE, entries[0] if one else entries)


def note(session: Session, record: Any, action: str, changes: Changes) -> None:
    """Write down a change that the record's own columns and links do not show, such as a role's grants."""
    told = {"entity": name_of(type(record)), "record_id": record.id, "changes": changes, "action": action}
    session.connection().execute(insert(AuditEntry), [_common(session) | told])


def note_many(session: Session, model: type[Any], action: str, changes: Mapping[int, Changes]) -> None:
    """The same for many records of one entity (number → changes), in one statement."""
    if not changes or not entity_of(model).audit or session.info.get("audit_off"):
        return
    told = _common(session) | {"entity": name_of(model), "action": session.info.get("verb") or action}
    rows = [told | {"record_id": key, "changes": what} for key, what in changes.items()]
    session.connection().execute(insert(AuditEntry), rows)


def note_purged(session: Session, records: Sequence[Any]) -> None:
    """Write down all that these records of one entity held, since they are about to be deleted for good."""
    held = {record.id: dict(_snapshot(record)) for record in records}
    if held:
        note_many(session, type(records[0]), "purge", held)


def entry_of_new(session: Session, record: Any) -> dict[str, Any] | None:
    """The entry of a record about to be inserted, all but its number; None where nothing is written down.

    Stamps the record as a flush would.
    """
    _stamp(session, record, actor_of(session).user_id, is_new=True)
    if session.info.get("audit_off") or not _audited(record):
        return None
    told = {"entity": name_of(type(record)), "changes": dict(_changes(record))}
    return _common(session) | told | {"action": session.info.get("verb") or "create"}


def _common(session: Session) -> dict[str, Any]:
    return {
        "created_at": now(),
        "actor_id": actor_of(session).user_id,
        "actor_name": actor_of(session).name[:120],
        "request_id": request_id.get(),
    }


def _entries(session: Session) -> Iterator[dict[str, Any]]:
    common = _common(session)
    verb = session.info.get("verb")
    for record, action, changes in _touched(session):
        key = inspect(record).mapper.primary_key_from_instance(record)[0]
        told = {"entity": name_of(type(record)), "record_id": key, "changes": changes, "action": verb or action}
        yield common | told


def _touched(session: Session) -> Iterator[tuple[Any, str, Changes]]:
    for record in filter(_audited, session.new):
        yield record, "create", dict(_changes(record))
    for record in filter(_audited, session.dirty):
        if changes := dict(_changes(record)):
            yield record, _action(changes), changes
    for record in filter(_audited, session.deleted):
        yield record, "purge", dict(_snapshot(record))


def _audited(record: Any) -> bool:
    return hasattr(type(record), "__entity__") and entity_of(type(record)).audit


def _action(changes: Changes) -> str:
    if "deleted_at" not in changes:
        return "update"
    return "restore" if changes["deleted_at"][1] is None else "delete"


def _changes(record: Any) -> Iterator[tuple[str, list[Any]]]:
    """field → [before, after] of what differs; nothing was there before a new record."""
    state: InstanceState[Any] = inspect(record)
    secret, held, touched = entity_of(type(record)).secret, state.dict, state.committed_state
    for column in state.mapper.column_attrs:
        name = column.key
        # most were not touched; what was there stands in committed_state, and a history costs more than all the rest
        if name not in touched or name in _UNKEPT:
            continue
        before, after = touched[name], held.get(name)
        if isinstance(before, LoaderCallableStatus):
            before = None
        if before != after:
            yield name, [MASK, MASK] if name in secret else [plain(before), plain(after)]
    yield from _relation_changes(state)


def _relation_changes(state: InstanceState[Any]) -> Iterator[tuple[str, list[Any]]]:
    """many-to-many relation → [numbers before, numbers after]"""
    for relation in state.mapper.relationships:
        if relation.secondary is None or relation.key not in state.committed_state:
            continue
        history = state.attrs[relation.key].history
        if not history.has_changes():
            continue
        kept = [o.id for o in history.unchanged]
        before, after = ([*kept, *(o.id for o in side)] for side in (history.deleted, history.added))
        yield relation.key, [sorted(before), sorted(after)]


def _snapshot(record: Any) -> Iterator[tuple[str, list[Any]]]:
    """Everything a purged record held, so that the audit outlives it."""
    secret = entity_of(type(record)).secret
    for column in inspect(type(record)).column_attrs:
        value = getattr(record, column.key)
        if value is not None and column.key not in _UNTOLD:
            yield column.key, [MASK if column.key in secret else plain(value), None]


def plain(value: Any) -> Any:
    """A value as JSON takes it."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _stamp(session: Session, record: Base, user_id: int | None, *, is_new: bool) -> None:
    columns = inspect(type(record)).columns
    if is_new and "created_by" in columns and record.created_by is None:  # type: ignore[attr-defined]
        record.created_by = user_id  # type: ignore[attr-defined]
    if not is_new and "updated_at" in columns:
        record.updated_at = now()  # type: ignore[attr-defined]
    if "search_text" in columns:
        words = words_of(session, record, is_new=is_new)
        if words != record.search_text:  # type: ignore[attr-defined]
            record.search_text = words  # type: ignore[attr-defined]


GUARDS.add("audit")
