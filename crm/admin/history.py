"""What happened to one record: its audit entries, field by field, as people read them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm import formats
from crm.admin import labels
from crm.admin.cells import sides
from crm.entity import name_of
from crm.fields import INTERNAL
from crm.i18n import gettext
from crm.models.audit_entry import AuditEntry
from crm.names import words

SIZE = 20
#: whoever may see a record may see what happened to it, with or without the right to read the whole audit
_UNSCOPED = {"unscoped": True}


def page(session: Session, model: type[Any], key: int, number: int) -> tuple[list[dict[str, Any]], int]:
    """Entries {when, who, action, changes: [{field, before, after}]}, newest first, and how many there are."""
    mine = (AuditEntry.entity == name_of(model), AuditEntry.record_id == key)
    total = session.scalar(select(func.count(AuditEntry.id)).where(*mine), execution_options=_UNSCOPED) or 0
    wanted = select(AuditEntry).where(*mine).order_by(AuditEntry.id.desc())
    rows = session.scalars(wanted.limit(SIZE).offset((number - 1) * SIZE), execution_options=_UNSCOPED)
    return _told(session, model, list(rows)), total


def last_entry(session: Session, model: type[Any], key: int) -> int:
    """Number of the newest audit entry of a record; 0 if there is none."""
    newest = select(func.max(AuditEntry.id)).where(AuditEntry.entity == name_of(model), AuditEntry.record_id == key)
    return session.scalar(newest, execution_options=_UNSCOPED) or 0


def authors(session: Session, model: type[Any], key: int, *, after: int) -> dict[str, dict[str, str]]:
    """Field → {who, when, at} of its last change later than the entry `after`."""
    mine = (AuditEntry.entity == name_of(model), AuditEntry.record_id == key, AuditEntry.id > after)
    wanted = select(AuditEntry).where(*mine).order_by(AuditEntry.id.desc()).limit(100)
    found: dict[str, dict[str, str]] = {}
    for entry in session.scalars(wanted, execution_options=_UNSCOPED):
        told = {
            "who": entry.actor_name or gettext("System"),
            "when": formats.ago(entry.created_at),
            "at": formats.moment(entry.created_at),
        }
        for name in entry.changes:
            found.setdefault(name, told)
    return found


def _told(session: Session, model: type[Any], entries: list[AuditEntry]) -> list[dict[str, Any]]:
    named = labels.resolve_changes(session, ((model, entry.changes) for entry in entries))
    return [
        {
            "when": formats.ago(entry.created_at),
            "at": formats.moment(entry.created_at),
            "who": entry.actor_name or gettext("System"),
            "action": gettext(words(entry.action)),
            "verb": entry.action,
            "changes": [_change(model, name, entry.changes, named) for name in entry.changes if name not in INTERNAL],
        }
        for entry in entries
    ]


def _change(model: type[Any], name: str, changes: labels.Changes, named: labels.Labels) -> dict[str, str]:
    before, after = sides(model, name, changes, named)
    return {"field": gettext(words(name)), "name": name, "before": before, "after": after}
