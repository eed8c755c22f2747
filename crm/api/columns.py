"""How each kind of field is read: an expression whose value is ready for JSON, the same bytes from both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import BigInteger, ColumnElement, Double, String, Text, case, cast, func, inspect, select, type_coerce

from crm.access import visible
from crm.actor import Actor
from crm.columns import Fixed
from crm.fields import Field, Kind, related

Decode = Callable[[Any], Any]
Readable = tuple[ColumnElement[Any], Decode | None]


def readable(field: Field, column: ColumnElement[Any], dialect: str) -> Readable:
    """The expression to select for one column, and what is left to do with its value (usually nothing)."""
    if field.kind is Kind.DOCUMENT:
        return type_coerce(column, Text), _document
    if field.computed and field.kind is Kind.MONEY and dialect == "sqlite":
        return type_coerce(column, BigInteger), _cents  # spelled out in SQL, it would be computed six times
    make = _SQLITE.get(field.kind) if dialect == "sqlite" else _POSTGRESQL.get(field.kind)
    if make is not None:
        return make(column), None
    if field.kind is Kind.BOOLEAN and dialect == "sqlite":
        return column, _boolean
    return column, None


def ids_of(model: type[Any], field: Field, actor: Actor, dialect: str) -> Readable:
    """The sorted numbers of the related records the actor may see, as one subquery."""
    relation: Any = inspect(model).relationships[field.relation]
    target = related(model, field)
    found = select(target.__table__.c.id.label("number")).where(visible(target, actor))
    if relation.secondary is not None:
        ((_, near),) = relation.synchronize_pairs
        ((_, far),) = relation.secondary_synchronize_pairs
        found = found.join(relation.secondary, target.__table__.c.id == far).where(near == model.__table__.c.id)
    else:
        ((_, near),) = relation.synchronize_pairs
        found = found.where(near == model.__table__.c.id)
    found = found.order_by(target.__table__.c.id).correlate(model.__table__)
    if dialect == "sqlite":
        rows = found.subquery()
        return select(func.json_group_array(rows.c.number)).scalar_subquery(), orjson.Fragment
    return func.array(found.scalar_subquery(), type_=Text), None


def _money(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A scaled integer as `-1234.50`."""
    assert isinstance(column.type, Fixed)
    scale, raw = column.type.scale, type_coerce(column, BigInteger)
    whole, part = func.abs(raw).op("/")(10**scale), func.abs(raw).op("%")(10**scale)
    sign = case((raw < 0, "-"), else_="")
    return case((column.is_(None), None), else_=func.printf(f"%s%d.%0{scale}d", sign, whole, part))


def _share(column: ColumnElement[Any]) -> ColumnElement[Any]:
    assert isinstance(column.type, Fixed)
    return type_coerce(column, BigInteger).op("/")(type_coerce(float(10**column.type.scale), Double))


def _moment(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """`2026-11-30 09:00:00.000000` as `2026-11-30T09:00:00Z`; a fraction stays if there is one."""
    text = type_coerce(column, String)
    fraction = func.substr(text, 20)
    seconds = func.replace(func.substr(text, 1, 19), " ", "T", type_=String)
    return seconds + case((fraction == ".000000", ""), else_=fraction) + "Z"


def _document(text: str | None) -> Any:
    """jsonb forgets the order of keys, so both databases answer them sorted."""
    return None if text is None else orjson.Fragment(orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS))


def _cents(value: int | None) -> str | None:
    return None if value is None else f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}"


def _boolean(value: int | None) -> bool | None:
    return None if value is None else value != 0


_SQLITE: dict[Kind, Callable[[ColumnElement[Any]], ColumnElement[Any]]] = {
    Kind.MONEY: _money,
    Kind.FRACTION: _share,
    Kind.QUANTITY: _share,
    Kind.INSTANT: _moment,
    Kind.DATE: lambda column: type_coerce(column, String),
    Kind.CHOICE: lambda column: type_coerce(column, String),
}
_POSTGRESQL: dict[Kind, Callable[[ColumnElement[Any]], ColumnElement[Any]]] = {
    Kind.MONEY: lambda column: cast(column, Text),
    Kind.FRACTION: lambda column: cast(column, Double),
    Kind.QUANTITY: lambda column: cast(column, Double),
}
