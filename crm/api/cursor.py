"""Paging by key: an opaque text that says which row came last, and the clause for the rows after it.

NULL counts as the largest value, on both databases.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, false, or_, true

from crm.api.envelope import JSON_OPTIONS
from crm.api.filters import parse_value
from crm.errors import BadInput, invalid
from crm.fields import Kind, field_of

Sort = Sequence[tuple[str, bool]]


def encode(sort: Sort, keys: Sequence[Any]) -> str:
    """The cursor behind a row whose sort values (ready for JSON) are `keys`."""
    text = orjson.dumps([_signature(sort), *keys], option=JSON_OPTIONS)
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def decode(model: type[Any], sort: Sort, text: str) -> list[Any]:
    """The sort values as Python values; BadInput if it was not made for this order, or by us."""
    try:
        found = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise invalid("cursor", "is not a cursor this list has given") from None
    if not isinstance(found, list) or len(found) != len(sort) + 1 or found[0] != _signature(sort):
        raise invalid("cursor", "belongs to another order; begin again with an empty one")
    return [_value(model, name, value) for (name, _), value in zip(sort, found[1:], strict=True)]


def _signature(sort: Sort) -> str:
    return ",".join(f"-{name}" if descending else name for name, descending in sort)


def _value(model: type[Any], name: str, value: Any) -> Any:
    field = field_of(model, name)
    if value is None:
        if field.nullable:
            return None
        raise invalid("cursor", "is not a cursor this list has given")
    if field.kind is Kind.BOOLEAN:
        value = str(value).lower()
    if not isinstance(value, str | int | float):
        raise invalid("cursor", "is not a cursor this list has given")
    try:
        return parse_value(field, "cursor", str(value))
    except BadInput:
        raise invalid("cursor", "is not a cursor this list has given") from None


def rows_after(model: type[Any], sort: Sort, nulls: Sequence[bool]) -> ColumnElement[bool]:
    """Rows that come after the values bound as `k0`, `k1`, …; `nulls` says which of them are NULL.

    The bound on the first key repeats what follows from the rest, so that an index finds the place at once.
    """
    columns = [model.__table__.c[name] for name, _ in sort]
    keys = [bindparam(f"k{i}", type_=column.type) for i, column in enumerate(columns)]
    ways: list[ColumnElement[bool]] = []
    for i, (column, (_, descending)) in enumerate(zip(columns, sort, strict=True)):
        equal = [_same(columns[j], keys[j], nulls[j]) for j in range(i)]
        ways.append(and_(*equal, _beyond(column, keys[i], nulls[i], descending)))
    return and_(_bound(columns[0], keys[0], nulls[0], sort[0][1]), or_(*ways))


def _same(column: Any, key: BindParameter[Any], null: bool) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.is_(None) if null else column == key
    return found


def _beyond(column: Any, key: BindParameter[Any], null: bool, descending: bool) -> ColumnElement[bool]:
    if null:
        return column.is_not(None) if descending else false()
    if descending:
        return column < key  # type: ignore[no-any-return]
    return or_(column > key, column.is_(None)) if column.nullable else column > key


def _bound(column: Any, key: BindParameter[Any], null: bool, descending: bool) -> ColumnElement[bool]:
    if null:
        return true() if descending else column.is_(None)
    if descending:
        return column <= key  # type: ignore[no-any-return]
    return true() if column.nullable else column >= key
