"""What referenced records are called: one query per kind of record, however many rows point at them.

A record the actor may not see is "hidden": its key is known, its name is not told.  One in the trash keeps its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, inspect, null, select
from sqlalchemy.orm import Session

from crm.entity import REGISTRY, name_of
from crm.fields import Kind, fields_of, label_column, related
from crm.i18n import gettext
from crm.names import words
from crm.services import job_kinds
from crm.services.chunks import chunks


@dataclass(frozen=True, slots=True)
class Label:
    """`mark` is what a template draws beside the name: a stage's category and chance."""

    text: str
    state: str = "live"
    mark: Mapping[str, Any] | None = None


def hidden() -> Label:
    return Label(gettext("Not visible"), "hidden")


def _person(model: type[Any]) -> ColumnElement[Any]:
    """People are known by their names; whoever has none, by the name they sign in with."""
    return func.coalesce(func.nullif(model.name, ""), model.username)


#: where the name to show is not simply the entity's label
_NAMES: dict[str, Callable[[type[Any]], ColumnElement[Any]]] = {"user": _person}
#: fields that keep the number of a user without a relation to it
USERS = frozenset({"created_by", "actor_id"})
_MARKS: dict[str, tuple[str, ...]] = {"stage": ("category", "default_probability"), "tag": ("colour",)}

#: entities whose first records every installation begins with: they are stored in English, and shown in both languages
KNOWN = frozenset({"stage", "pipeline", "lost_reason", "category", "category_type"})

Labels = Mapping[str, Mapping[int, Label]]
#: what an audit entry keeps: field → [before, after]
Changes = Mapping[str, Sequence[Any]]


def shown_name(model: type[Any]) -> ColumnElement[Any]:
    """The expression that names a record of `model` for people."""
    special = _NAMES.get(name_of(model))
    return special(model) if special else label_column(model)


def title_of(session: Session, model: type[Any], key: int) -> str:
    """What one record is called, in the trash or not; empty if the actor cannot see any."""
    query = select(model.id, shown_name(model).label("shown")).where(model.id == key)
    row = session.execute(query, execution_options={"trash": "any"}).first()
    return known(model, _text(model, row.shown)) if row else ""


def _text(model: type[Any], value: Any) -> str:
    if name_of(model) == "job":
        return job_kinds.title(value)
    if name_of(model) == "audit_entry":
        return gettext(words(value))
    return gettext(words(value)) if isinstance(value, StrEnum) else str("" if value is None else value)


def known(model: type[Any], name: str) -> str:
    """What every installation begins with is known in both languages; what people named is called what they say."""
    return gettext(name) if name_of(model) in KNOWN else name


def resolve(session: Session, model: type[Any], keys: Iterable[int]) -> dict[int, Label]:
    """Key → label, for keys of one entity."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    columns, marks = inspect(model).columns, _MARKS.get(name_of(model), ())
    gone = columns["deleted_at"] if "deleted_at" in columns else null()
    chosen: list[Any] = [model.id, shown_name(model).label("shown"), gone.label("gone")]
    chosen += [columns[name].label(name) for name in marks if name in columns]
    labels = dict.fromkeys(wanted, hidden())
    for some in chunks(wanted):
        found = select(*chosen).where(model.id.in_(some))
        for row in session.execute(found, execution_options={"trash": "any"}):
            mark = {name: getattr(row, name) for name in marks}
            shown = known(model, _text(model, row.shown))
            labels[row.id] = Label(shown, "live" if row.gone is None else "trashed", mark or None)
    return labels


def resolve_rows(session: Session, model: type[Any], names: Iterable[str], rows: Iterable[Any]) -> Labels:
    """Entity name → key → label, of everything the reference fields of these rows point at."""
    return _resolve_all(session, _pointed_by_rows(model, list(names), rows))


def resolve_changes(session: Session, told: Iterable[tuple[type[Any] | None, Changes]]) -> Labels:
    """Entity name → key → label, of everything these changes of records of a class point at, before and after."""
    return _resolve_all(session, (found for model, changes in told for found in _pointed_by_changes(model, changes)))


def _resolve_all(session: Session, pointed: Iterable[tuple[type[Any], int]]) -> Labels:
    wanted: dict[str, tuple[type[Any], set[int]]] = {}
    for target, key in pointed:
        wanted.setdefault(name_of(target), (target, set()))[1].add(key)
    return {name: resolve(session, target, keys) for name, (target, keys) in wanted.items()}


def _pointed_by_rows(model: type[Any], names: Sequence[str], rows: Iterable[Any]) -> Iterator[tuple[type[Any], int]]:
    fields = fields_of(model)
    references = [fields[name] for name in names if fields[name].kind is Kind.REFERENCE]
    pointing = [(f.name, related(model, f)) for f in references] + [(n, REGISTRY["user"]) for n in names if n in USERS]
    for row in rows:
        yield from ((target, key) for name, target in pointing if (key := getattr(row, name)) is not None)
        linked = linked_of(model, row) if "record_id" in names else None
        if linked and row.record_id is not None:
            yield linked, row.record_id
        if name_of(model) == "audit_entry" and "changes" in names:
            yield from _pointed_by_changes(linked_of(model, row), row.changes)


def linked_of(model: type[Any], row: Any) -> type[Any] | None:
    """The class of the record whose number a row keeps in `record_id`."""
    kind = "entity" if name_of(model) == "audit_entry" else "record_type"
    return REGISTRY.get(getattr(row, kind, None) or "")


def _pointed_by_changes(model: type[Any] | None, changes: Changes) -> Iterator[tuple[type[Any], int]]:
    for name, sides in changes.items() if model is not None else ():
        for place, value in enumerate(sides):
            target = changed_target(model, name, changes, place)
            keys = value if isinstance(value, list) else [value]
            yield from ((target, key) for key in keys if target is not None and type(key) is int)


def changed_target(model: type[Any] | None, name: str, changes: Changes, place: int) -> type[Any] | None:
    """The class that one side (0: before, 1: after) of a changed field points at; None where it is a plain value."""
    if name == "record_id":
        kinds = changes.get("record_type", ())
        return REGISTRY.get(kinds[place] or "") if place < len(kinds) else None
    field = fields_of(model).get(name) if model is not None else None
    if model is not None and field is not None and field.relation is not None:
        return related(model, field)
    return REGISTRY["user"] if name in USERS else None
