"""The statements of a list: one place narrows, orders, counts and reads, for the page, the export and bulk actions.

SQLAdmin's own count keeps the columns and the ORDER BY, its sort and search inner-join, and its pages have no
tie-breaker; here nothing is joined: what a reference is called is looked up afterwards, for all rows at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, String, cast, func, inspect, select
from sqlalchemy.orm import Session, aliased

from crm import access
from crm.admin.asked import Asked
from crm.db import actor_of
from crm.entity import entity_of, permission
from crm.expressions import spelt
from crm.fields import Field, Kind, expression_of, field_of, fields_of, label_column, related
from crm.finding import found as found_by

#: counted exactly up to here; beyond, the list says "10,000+" unless it is asked for the exact figure
CAP = 10_000


def narrowed(model: type[Any], asked: Asked) -> Select[tuple[int]]:
    """The keys of what is asked for; the session's criteria add the actor's scope."""
    found = select(model.id).where(*(c.clause for c in asked.conditions))
    if asked.search:
        found = found.where(searched(model, asked.search))
    return found.execution_options(trash="only" if asked.trash else "live")


def searched(model: type[Any], term: str) -> ColumnElement[bool]:
    """By the search index where the entity has one, else by a part of its label; typed % and _ mean themselves."""
    if entity_of(model).search:
        return found_by(model, term)
    # a label may be a choice, which takes only its own words
    return spelt(cast(label_column(model), String), term, anywhere=True)


def within_export(session: Session, model: type[Any], found: Select[Any]) -> Select[Any]:
    """The export permission may reach less far than the view."""
    actor = actor_of(session)
    scope = actor.scope(permission(model, "export"))
    if scope == actor.scope(permission(model, "view")):  # the very statement of the list
        return found
    return found.where(access.reach(model, actor, scope, verb="view"))


def parts(found: Select[Any], model: type[Any], asked: Asked) -> list[Select[Any]]:
    """What is asked for in its order, as selects to be read one after the other: what has no value comes last.

    Databases disagree on where NULL stands, and no index serves one that is told; two ranges of one index it serves.
    """
    name = asked.sort or entity_of(model).order.removeprefix("-")
    field = field_of(model, name)
    if not field.nullable or _unindexed(field):
        return [ordered(found, model, asked)]
    key = _sort_key(model, field)
    full, empty = found.where(key.is_not(None)), found.where(key.is_(None))
    return [ordered(part, model, asked) for part in (full, empty)]


def ordered(found: Select[Any], model: type[Any], asked: Asked) -> Select[Any]:
    """By what is asked for, with the key as tie-breaker: equal values must not jump between pages."""
    order = entity_of(model).order
    name, descending = (asked.sort, asked.descending) if asked.sort else (order.removeprefix("-"), order[0] == "-")
    field = field_of(model, name)
    by = _sort_key(model, field)
    keys = [by] if name == "id" else [by, model.id]
    first, *rest = (key.desc() if descending else key.asc() for key in keys)
    return found.order_by(first.nulls_last() if _unindexed(field) else first, *rest)


def _unindexed(field: Field) -> bool:
    """Sorted by a name looked up or a value computed: to say where NULL stands costs no index."""
    return field.computed or field.kind is Kind.REFERENCE


def _sort_key(model: type[Any], field: Field) -> ColumnElement[Any]:
    """A reference sorts by its label, in a subquery: a join would drop the rows that have none."""
    if field.computed:
        return expression_of(model, field.name)
    column: ColumnElement[Any] = inspect(model).columns[field.name]
    if field.kind is not Kind.REFERENCE:
        return column
    target = aliased(related(model, field))
    label = getattr(target, entity_of(related(model, field)).label)
    return select(label).where(target.id == column).scalar_subquery()


def count(session: Session, found: Select[Any], *, exact: bool) -> tuple[int, bool]:
    """How many, and whether that is all of them; without ORDER BY, without columns, and capped."""
    bare = found.order_by(None) if exact else found.order_by(None).limit(CAP + 1)
    number = session.scalar(
        select(func.count()).select_from(bare.subquery()), execution_options=found.get_execution_options()
    )
    counted = int(number or 0)
    return (counted, True) if exact or counted <= CAP else (CAP, False)


def shown_columns(model: type[Any], names: Sequence[str]) -> list[Any]:
    """The columns behind fields, with key and currency, in a steady order; to-many fields have none.

    As attributes of the mapped class: a select of table columns alone would escape the session's criteria.
    """
    columns, fields = inspect(model).columns, fields_of(model)
    wanted = dict.fromkeys(["id", *(n for n in names if fields[n].kind is not Kind.REFERENCES)])
    if any(fields[n].kind is Kind.MONEY for n in names) and "currency" in columns:
        wanted["currency"] = None
    return [getattr(model, name) for name in wanted]


def read_page(session: Session, model: type[Any], names: Sequence[str], asked: Asked) -> list[Row[Any]]:
    """One page of rows, keyed by column name."""
    columns, skip = shown_columns(model, names), (asked.page - 1) * asked.size
    rows: list[Row[Any]] = []
    for part in parts(narrowed(model, asked), model, asked):
        if rows:
            skip = 0
        read = part.with_only_columns(*columns).limit(asked.size - len(rows)).offset(skip)
        rows += session.execute(read)
        if len(rows) == asked.size:
            break
        if not rows and skip:
            skip = max(0, skip - count(session, part, exact=True)[0])
    return rows


def read_keys(session: Session, *found: Select[Any], limit: int | None = None) -> array[int]:
    """The keys of all rows asked for, one select after the other, eight bytes each."""
    keys = array("q")
    for part in found:
        keys.extend(session.scalars(part.limit(limit) if limit else part, execution_options={"yield_per": 5000}))
    return keys


def read_by_keys(
    session: Session, model: type[Any], names: Sequence[str], keys: Iterable[int], *, trash: str = "live"
) -> list[Row[Any]]:
    """Rows in the order of `keys`; those that have vanished since are left out."""
    wanted = list(keys)
    found = select(*shown_columns(model, names)).where(model.id.in_(wanted))
    rows = {row.id: row for row in session.execute(found, execution_options={"trash": trash})}
    return [rows[key] for key in wanted if key in rows]


def read_many(
    session: Session, model: type[Any], field: Field, keys: Sequence[int]
) -> dict[int, list[tuple[int, str]]]:
    """Key → (key, label) of the related records the actor may see, of all rows at once."""
    target = related(model, field)
    relation = getattr(model, field.name)
    found = (
        select(model.id, target.id, label_column(target))
        .join(relation)
        .where(model.id.in_(list(keys)))
        .order_by(model.id, target.id)
    )
    many: dict[int, list[tuple[int, str]]] = {}
    for key, other, label in session.execute(found, execution_options={"trash": "any"}):
        many.setdefault(key, []).append((other, str(label)))
    return many
