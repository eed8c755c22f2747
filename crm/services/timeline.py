"""The timeline of a customer, a contact or a deal: what happened, from every table that knows, newest first.

Each source is asked for as many rows as a page holds, narrowed by the reader's scope like any other select, and the
pages are merged: a page costs the same however far down it lies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, select, tuple_
from sqlalchemy.orm import Session

from crm import access
from crm.db import actor_of
from crm.entity import REGISTRY, permission
from crm.errors import invalid
from crm.fields import label_column
from crm.models.user import User
from crm.services import timeline_mail
from crm.services.timeline_entries import SUBJECTS, Entry, Source, Subject
from crm.services.timeline_places import Place
from crm.services.timeline_sources import SOURCES

LARGEST = 100
KINDS = tuple(dict.fromkeys(source.kind for source in SOURCES))


def page(
    session: Session,
    model: type[Any],
    key: int,
    *,
    kinds: Collection[str] = (),
    after: Place | None = None,
    size: int = 20,
) -> tuple[list[Entry], Place | None]:
    """At most `size` entries behind `after`, newest first, and where the next page begins (None: that was all).

    Equal instants are ordered by source and number, so no entry is lost or doubled when others come in between.
    NotFound for a record the reader does not see; BadInput for a kind there is none of.
    """
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise invalid("kinds", "%(name)s is not one of: %(known)s", name=unknown[0], known=", ".join(KINDS))
    actor = actor_of(session)
    access.require(actor, permission(model, "view"))
    access.find(session, model, key)
    subject = Subject(SUBJECTS[model], key)
    asked = [s for s in SOURCES if (not kinds or s.kind in kinds) and actor.may(permission(s.model, "view"))]
    found = [_read(session, source, subject, after, size + 1) for source in asked]
    newest = list(islice(merge(*found, key=_order, reverse=True), size + 1))
    shown = timeline_mail.with_mail(session, _named(session, newest[:size]))
    last = shown[-1] if len(newest) > size else None
    return shown, Place(last.at, last.source, last.id) if last else None


def _order(entry: Entry) -> tuple[datetime, str, int]:
    return entry.at, entry.source, entry.id


def _read(session: Session, source: Source, subject: Subject, after: Place | None, limit: int) -> list[Entry]:
    statement: Select[Any] | None = source.rows(subject)
    if statement is None:
        return []
    if after is not None:
        statement = statement.where(_behind(source, after))
    ordered = statement.order_by(source.at.desc(), source.model.id.desc()).limit(limit)
    return [replace(source.entry(row), source=source.name, kind=source.kind) for row in session.execute(ordered)]


def _behind(source: Source, after: Place) -> ColumnElement[bool]:
    """Rows that come after the place, as one bound that an index finds at once."""
    at: ColumnElement[datetime] = source.at
    if source.name < after.source:
        return at <= after.at
    if source.name > after.source:
        return at < after.at
    key: ColumnElement[int] = source.model.id
    return tuple_(at, key) < tuple_(literal(after.at, at.type), literal(after.id, key.type))


# ---------------------------------------------------------------------------------------------- names


def _named(session: Session, entries: Sequence[Entry]) -> list[Entry]:
    """With the names of people and records, where the reader may see them: one select a kind of record."""
    people = _people(session, {e.user_id for e in entries if e.user_id is not None})
    records: dict[tuple[str, int], str] = {}
    for name in sorted({e.record_type for e in entries if e.record_type}):
        keys = {e.record_id for e in entries if e.record_type == name and e.record_id is not None}
        records |= {(name, key): label for key, label in _labels(session, name, keys).items()}
    return [
        replace(
            entry,
            user_name=entry.user_name or people.get(entry.user_id or 0, ""),
            record_name=records.get((entry.record_type or "", entry.record_id or 0), ""),
        )
        for entry in entries
    ]


def _people(session: Session, keys: Iterable[int]) -> dict[int, str]:
    if not (wanted := sorted(keys)):
        return {}
    found = session.execute(select(User.id, User.name, User.username).where(User.id.in_(wanted)))
    return {row.id: row.name or row.username for row in found}


def _labels(session: Session, name: str, keys: Iterable[int]) -> dict[int, str]:
    model = REGISTRY.get(name)
    if model is None or not actor_of(session).may(permission(model, "view")):
        return {}
    label = getattr(model, label_column(model).key)
    found = session.execute(select(model.id, label.label("shown")).where(model.id.in_(sorted(keys))))
    return {row.id: str(row.shown) for row in found}
