"""What hangs on a record: what goes to the trash with it, and what stays where it is.

`GOES_ALONG` and `HOLDS` are the whole decision; why it is so stands in docs/decisions/0009-trash.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, inspect, select
from sqlalchemy.orm import Session

from crm.entity import REGISTRY, entity_of, name_of
from crm.fields import models
from crm.services.chunks import chunks

_ALL: dict[str, Any] = {"unscoped": True, "trash": "any"}


@dataclass(frozen=True, slots=True)
class Bond:
    """Rows of the entity `child` go along with the record their column `by` names; only those where `empty` is."""

    child: str
    by: str
    empty: tuple[str, ...] = ()


#: entity → what goes to the trash with it; closed deals stay, since the figures of the past rest on them
GOES_ALONG: dict[str, tuple[Bond, ...]] = {
    "customer": (
        Bond("contact", "customer_id"),
        Bond("opportunity", "customer_id", empty=("closed_at",)),
        Bond("interaction", "customer_id"),
    ),
    "contact": (Bond("interaction", "contact_id", empty=("customer_id", "opportunity_id")),),
    "opportunity": (Bond("interaction", "opportunity_id", empty=("customer_id", "contact_id")),),
    "task": (Bond("task", "parent_id"),),
}
#: entities whose linked records (tasks, series, files) go along, too
HOLDS = frozenset({"customer", "contact", "opportunity", "interaction", "task"})
#: entity → the relation to what it is a part of, where `through` does not say so: nobody owns templates
PARTS = {"email_template_version": "template"}


@dataclass(slots=True)
class Group:
    """Records of one entity that hang on others: number → number of the root they go with."""

    model: type[Any]
    roots: dict[int, int]


def live_below(session: Session, model: type[Any], keys: Sequence[int]) -> list[Group]:
    """Everything that goes along with these records, level by level; whoever may see it.

    Records in `keys` are roots of their own, even where one hangs on another.
    """
    return _walk(session, model, {key: key for key in keys}, None)


def trashed_below(session: Session, model: type[Any], marks: Mapping[int, str]) -> list[Group]:
    """What hangs on these records and bears their mark (number → mark): what went to the trash with them."""
    return _walk(session, model, {key: key for key in marks}, marks)


def _walk(session: Session, model: type[Any], roots: Mapping[int, int], marks: Mapping[int, str] | None) -> list[Group]:
    found: list[Group] = []
    seen: dict[str, set[int]] = {name_of(model): set(roots)}
    level = [Group(model, dict(roots))]
    while level:
        below = [made for group in level for made in _next(session, group, marks, seen)]
        found += below
        level = below
    return found


def _next(
    session: Session, group: Group, marks: Mapping[int, str] | None, seen: dict[str, set[int]]
) -> Iterator[Group]:
    for child, column, clauses in bonds(group.model):
        known = seen.setdefault(name_of(child), set())
        hit: dict[int, int] = {}
        for keys in chunks(sorted(group.roots)):
            wanted = select(child.id, column, child.deleted_with).where(column.in_(keys), *clauses)
            wanted = wanted.where(child.deleted_at.is_(None) if marks is None else child.deleted_with.is_not(None))
            for key, above, mark in session.execute(wanted.order_by(child.id), execution_options=_ALL):
                root = group.roots[above]
                if key not in known and (marks is None or mark == marks[root]):
                    hit[key] = root
        known |= hit.keys()
        if hit:
            yield Group(child, hit)


def bonds(model: type[Any]) -> list[tuple[Any, Any, list[ColumnElement[bool]]]]:
    """(child, the column that points at `model`, further conditions) of what goes along."""
    name = name_of(model)
    made = []
    for bond in GOES_ALONG.get(name, ()):
        child = REGISTRY[bond.child]
        made.append((child, getattr(child, bond.by), [getattr(child, column).is_(None) for column in bond.empty]))
    if name in HOLDS:
        made += [(child, child.record_id, [child.record_type == name]) for child in linked() if has_trash(child)]
    return made


def staying(model: type[Any]) -> Iterator[tuple[Any, Any, list[ColumnElement[bool]]]]:
    """(child, column, conditions) of live records that point at `model` and do not go along, as filters find them."""
    along = {_spot(child, column): clauses for child, column, clauses in bonds(model)}
    for child, column, clauses in _pointing(model):
        going = along.get(_spot(child, column))
        if going is None:
            yield child, column, clauses
        elif further := going[len(clauses) :]:
            yield child, column, [*clauses, ~and_(*further)]


def _spot(child: type[Any], column: Any) -> str:
    return f"{name_of(child)}.{column.key}"


def _pointing(model: type[Any]) -> Iterator[tuple[Any, Any, list[ColumnElement[bool]]]]:
    name = name_of(model)
    for child in models():
        if not entity_of(child).verbs or child in parts(model):
            continue
        for relation in inspect(child).relationships:
            column = next(iter(relation.local_columns))
            if relation.mapper.class_ is model and not relation.uselist and column.key in entity_of(child).filters:
                yield child, getattr(child, column.key), []
    for child in linked():
        if entity_of(child).verbs and child not in parts(model):
            yield child, child.record_id, [child.record_type == name]


def linked() -> tuple[Any, ...]:
    """Entities that may be linked to any record."""
    return tuple(model for model in models() if {"record_type", "record_id"} <= set(inspect(model).columns.keys()))


def parts(model: type[Any]) -> tuple[Any, ...]:
    """Entities without a trash whose records are nothing without theirs: lines, histories, reminders."""
    within = [child for child in models() if not has_trash(child) and _whole(child) is model]
    return (*within, *(child for child in linked() if not has_trash(child) and entity_of(child).verbs))


def part_of(child: type[Any], model: type[Any], keys: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
    """Rows of `child`, one of `parts(model)`, that belong to these records."""
    if child in linked():
        return child.record_type == name_of(model), child.record_id.in_(keys)
    return (getattr(child, _through(child).key).in_(keys),)


def _whole(child: type[Any]) -> type[Any] | None:
    through = _by(child)
    return inspect(child).relationships[through].mapper.class_ if through else None


def _through(child: type[Any]) -> Any:
    return next(iter(inspect(child).relationships[_by(child)].local_columns))


def _by(child: type[Any]) -> str:
    """The relation to what it is a part of; empty where it stands by itself."""
    return entity_of(child).through or PARTS.get(name_of(child), "")


def has_trash(model: type[Any]) -> bool:
    return hasattr(model, "deleted_at")
