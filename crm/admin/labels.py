"""What referenced records are called: one query per kind of record, however many rows point at them.

A record the actor may not see is "hidden": its key is known, its name is not told.  One in the trash keeps its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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

Labels = Mapping[str, Mapping[int, Label]]


def shown_name(model: type[Any]) -> ColumnElement[Any]:
    """The expression that names a record of `model` for people."""
    special = _NAMES.get(name_of(model))
    return special(model) if special else label_column(model)


def title_of(session: Session, model: type[Any], key: int) -> str:
    """What one record is called, in the trash or not; empty if the actor cannot see any."""
    query = select(model.id, shown_name(model).label("shown")).where(model.id == key)
    row = session.execute(query, execution_options={"trash": "any"}).first()
    return _text(model, row.shown) if row else ""


def _text(model: type[Any], value: Any) -> str:
    if name_of(model) == "job":
        return job_kinds.title(value)
    return gettext(words(value)) if isinstance(value, StrEnum) else str("" if value is None else value)


def known(model: type[Any], name: str) -> str:
    """The stages every installation begins with are known in both languages; others are called what they are."""
    return gettext(name) if name_of(model) == "stage" else name


def resolve(session: Session, model: type[Any], keys: Iterable[int]) -> dict[int, Label]:
    """Key → label, for keys of one entity."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    columns, marks = inspect(model).columns, _MARKS.get(name_of(model), ())
    gone = columns["deleted_at"] if "deleted_at" in columns else null()
    chosen: list[Any] = [model.id, shown_name(model).label("shown"), gone.label("gone")]
    chosen += [columns[name].label(name) for name in marks if name in columns]
    found = select(*chosen).where(model.id.in_(wanted))
    labels = dict.fromkeys(wanted, hidden())
    for row in session.execute(found, execution_options={"trash": "any"}):
        mark = {name: getattr(row, name) for name in marks}
        labels[row.id] = Label(
            known(model, _text(model, row.shown)), "live" if row.gone is None else "trashed", mark or None
        )
    return labels


def resolve_rows(session: Session, model: type[Any], names: Iterable[str], rows: Iterable[Any]) -> Labels:
    """Entity name → key → label, of everything the reference fields of these rows point at."""
    fields, names = fields_of(model), list(names)
    wanted: dict[str, tuple[type[Any], set[int]]] = {}
    references = [fields[name] for name in names if fields[name].kind is Kind.REFERENCE]
    pointing = [(f.name, related(model, f)) for f in references] + [(n, REGISTRY["user"]) for n in names if n in USERS]
    for row in rows:
        for name, target in pointing:
            if (key := getattr(row, name)) is not None:
                wanted.setdefault(name_of(target), (target, set()))[1].add(key)
        linked = REGISTRY.get(getattr(row, "record_type", None) or "") if "record_id" in names else None
        if linked and row.record_id is not None:
            wanted.setdefault(name_of(linked), (linked, set()))[1].add(row.record_id)
    return {name: resolve(session, target, keys) for name, (target, keys) in wanted.items()}
