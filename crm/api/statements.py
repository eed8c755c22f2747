"""The one place that writes the API's selects: an entity, a shape and a reach as one statement, built once.

Row: the fields, then each included record's, then the sort keys (by cursor), then the count (by page), and last the
caller's `access_version` and whether their token is signed out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Dialect, Select, and_, bindparam, func, select
from sqlalchemy.sql.selectable import FromClause

from crm.access import visible
from crm.actor import Actor
from crm.api import cursor
from crm.api.columns import Decode, Readable, ids_of, readable
from crm.api.filters import condition
from crm.api.identity import SIGNED_OUT, VERSION
from crm.api.query import Shape
from crm.api.reach import reach_of, stand_in
from crm.entity import permission
from crm.expressions import Behind
from crm.fields import Field, Kind, expression_of, fields_of, related
from crm.finding import found
from crm.names import camel
from crm.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Part:
    """The columns of a row that make one object: JSON names, place, and values that need a last step."""

    name: str
    keys: tuple[str, ...]
    start: int
    decode: tuple[tuple[int, Decode], ...]

    def read(self, row: Sequence[Any]) -> dict[str, Any] | None:
        """The object; None where an outer join found nothing the caller may see."""
        cells = row[self.start : self.start + len(self.keys)]
        if cells[0] is None:
            return None
        made = dict(zip(self.keys, cells, strict=True))
        for place, decode in self.decode:
            made[self.keys[place]] = decode(cells[place])
        return made


@dataclass(frozen=True, slots=True)
class Plan:
    """A prepared statement and how to read its rows; `count` answers where a page holds no row."""

    prepared: Prepared
    count: Prepared | None
    parts: tuple[Part, ...]
    sort_keys: int

    def record(self, row: Sequence[Any]) -> dict[str, Any]:
        """One row as the object of the API."""
        first = self.parts[0]
        if not first.decode and first.start == 0:
            made = dict(zip(first.keys, row, strict=False))
        else:
            made = first.read(row) or {}
        for part in self.parts[1:]:
            made[part.name] = part.read(row)
        return made


_PLANS = 4000
_plans: dict[tuple[Any, ...], Plan] = {}


def plan_for(model: type[Any], shape: Shape, actor: Actor, dialect: Dialect) -> Plan:
    """The kept plan for one shape and one reach, built when first asked for."""
    # The driver too: the same statement bears other parameters for asyncpg than for psycopg.
    key = (model, shape, reach_of(model, shape, actor), dialect.name, dialect.driver)
    plan = _plans.get(key)
    if plan is None:
        if len(_plans) >= _PLANS:
            _plans.clear()
        plan = _plans[key] = build(model, shape, actor, dialect)
    return plan


def build(model: type[Any], shape: Shape, actor: Actor, dialect: Dialect) -> Plan:
    """The plan for one shape; only the reach of `actor` goes into it, never who they are."""
    return _Builder(model, shape, stand_in(actor), dialect).plan()


class _Builder:
    def __init__(self, model: type[Any], shape: Shape, actor: Actor, dialect: Dialect) -> None:
        self.model, self.shape, self.actor, self.dialect = model, shape, actor, dialect
        self.table: FromClause = model.__table__
        self.fields = fields_of(model)
        self.selected: list[ColumnElement[Any]] = []
        self.parts: list[Part] = []
        #: tables that computed fields look into, each with its condition
        self.joins: dict[FromClause, ColumnElement[bool]] = {}
        #: those of them that the order needs
        self.sort_joins: dict[FromClause, ColumnElement[bool]] = {}

    def plan(self) -> Plan:
        shown = [self.fields[name] for name in self.shape.fields or self.fields]
        self._add_part("", [(f.json, self._readable(f)) for f in shown])
        order = self._order()
        source = _joined(self.table, self.joins)
        for name in self.shape.include:
            source = self._join(source, self.fields[name])
        prefer = ("search", "all_search") if self.shape.search == "some" else ()
        keys, count = self._sort_keys(), self._count()
        columns = [*self.selected, *keys, *([count] if count is not None else []), VERSION, SIGNED_OUT]
        statement = self._paged(select(*columns), source, order)
        counting = select(count, VERSION, SIGNED_OUT) if count is not None else None
        return Plan(
            Prepared(statement, self.dialect, named=prefer),
            Prepared(counting, self.dialect, named=prefer) if counting is not None else None,
            tuple(self.parts),
            len(keys),
        )

    # ------------------------------------------------------------------ columns

    def _readable(self, field: Field) -> Readable:
        if field.kind is Kind.REFERENCES:
            return ids_of(self.model, field, self.actor, self.dialect.name)
        if not field.computed:
            return readable(field, self.table.c[field.name], self.dialect.name)
        return readable(field, self._computed(field.name, self.joins), self.dialect.name)

    def _computed(self, name: str, joins: dict[FromClause, ColumnElement[bool]]) -> ColumnElement[Any]:
        """The SQL of a computed field; what it looks into goes to `joins`."""
        made = expression_of(self.model, name)
        if not isinstance(made, Behind):
            return made
        joins[made.table] = made.on
        return made.value

    def _add_part(self, name: str, cells: list[tuple[str, Readable]]) -> None:
        """Columns are labelled by number: two tables have columns of one name."""
        start = len(self.selected)
        for place, (_, (expression, _)) in enumerate(cells, start):
            self.selected.append(expression.label(f"c{place}"))
        decode = tuple((i, step) for i, (_, (_, step)) in enumerate(cells) if step is not None)
        self.parts.append(Part(name, tuple(json for json, _ in cells), start, decode))

    def _join(self, source: FromClause, field: Field) -> FromClause:
        """The related record, if the caller may see it: an outer join keeps the row either way."""
        target = related(self.model, field)
        assert field.relation is not None
        within = visible(target, self.actor) if self.actor.may(permission(target, "view")) else None
        made = [f for f in fields_of(target).values() if f.computed]
        rows = select(target.__table__, *(expression_of(target, f.name).label(f.name) for f in made))
        side = (rows.where(within) if within is not None else rows.where(target.id.is_(None))).subquery(field.relation)
        columns = [f for f in fields_of(target).values() if f.kind is not Kind.REFERENCES]
        cells = [(f.json, readable(f, side.c[f.name], self.dialect.name)) for f in columns]
        self._add_part(camel(field.relation), cells)
        return source.outerjoin(side, side.c.id == self.table.c[field.name])

    def _sort_keys(self) -> list[ColumnElement[Any]]:
        if self.shape.paging != "cursor":
            return []
        names = [name for name, _ in self.shape.sort]
        made = [readable(self.fields[name], self.table.c[name], self.dialect.name)[0] for name in names]
        return [key.label(f"k{i}_value") for i, key in enumerate(made)]

    # ------------------------------------------------------------------ rows

    def _where(self) -> ColumnElement[bool]:
        clauses = [visible(self.model, self.actor)]
        clauses += [condition(self.model, wanted, place) for place, wanted in enumerate(self.shape.filters)]
        if self.shape.search:
            clauses.append(
                found(self.model, "x" if self.shape.search == "some" else "", actor=self.actor, name="search")
            )
        return and_(*clauses)

    def _count(self) -> ColumnElement[Any] | None:
        """No order, no columns, no joins: only what decides which rows there are."""
        if self.shape.paging not in ("page", "deep"):
            return None
        rows = select(func.count()).select_from(self.table).where(self._where())
        return rows.correlate(None).scalar_subquery()

    def _order(self) -> list[ColumnElement[Any]]:
        return [self._direction(name, descending) for name, descending in self.shape.sort]

    def _direction(self, name: str, descending: bool) -> ColumnElement[Any]:
        """NULL is largest, as PostgreSQL has it; said only where SQLite would differ, and never to an index."""
        field = self.fields[name]
        column: Any = self._computed(name, self.sort_joins) if field.computed else self.table.c[name]
        self.joins |= self.sort_joins
        order = column.desc() if descending else column.asc()
        if self.dialect.name == "sqlite" and field.nullable:
            order = order.nulls_first() if descending else order.nulls_last()
        return order  # type: ignore[no-any-return]

    def _paged(self, statement: Select[Any], source: FromClause, order: list[ColumnElement[Any]]) -> Select[Any]:
        paging = self.shape.paging
        if paging == "one":
            key = bindparam("id", type_=BigInteger)
            return statement.select_from(source).where(self.table.c.id == key, self._where())
        limit = bindparam("limit", type_=BigInteger)
        if paging == "deep":
            return self._deep(statement, source, limit, order)
        rows = statement.select_from(source).where(self._where()).order_by(*order).limit(limit)
        if self.shape.after:
            rows = rows.where(cursor.rows_after(self.model, self.shape.sort, self.shape.after))
        return rows

    def _deep(
        self, statement: Select[Any], source: FromClause, limit: Any, order: list[ColumnElement[Any]]
    ) -> Select[Any]:
        """Far into a list: find the keys first, and read whole rows for those that are shown."""
        offset = bindparam("offset", type_=BigInteger)
        keys = select(self.table.c.id).select_from(_joined(self.table, self.sort_joins)).where(self._where())
        page = keys.order_by(*order).limit(limit).offset(offset).subquery("page")
        joined = source.join(page, page.c.id == self.table.c.id)
        return statement.select_from(joined).order_by(*order)


def _joined(source: FromClause, joins: Mapping[FromClause, ColumnElement[bool]]) -> FromClause:
    for table, on in joins.items():
        source = source.outerjoin(table, on)
    return source
