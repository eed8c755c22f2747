"""Filters that fit a field's type: what the address says, as clauses and chips.

`?status=active&status=lead` (any of), `name__contains`, `name__starts`, `amount__gte`, `amount__lte`,
`due_at__null=true`.  A value that makes no sense matches nothing: the list must never show more than was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, false, func, inspect, not_, or_, select
from sqlalchemy.orm import aliased

from crm.entity import entity_of
from crm.expressions import asked, spelt
from crm.fields import Field, Kind, expression_of, fields_of, is_tree, related

_TEXT = ("", "contains", "starts", "null")
_RANGE = ("", "gte", "lte", "null")
_PLAIN = ("", "null")
#: the filter a kind of field gets: its name for the template, and its operators
SHAPES: dict[Kind, tuple[str, tuple[str, ...]]] = {
    Kind.CHOICE: ("choice", _PLAIN),
    Kind.BOOLEAN: ("boolean", ("",)),
    Kind.DATE: ("date", _RANGE),
    Kind.INSTANT: ("date", _RANGE),
    Kind.INTEGER: ("number", _RANGE),
    Kind.MONEY: ("number", _RANGE),
    Kind.FRACTION: ("number", _RANGE),
    Kind.QUANTITY: ("number", _RANGE),
    Kind.REFERENCE: ("reference", _PLAIN),
    Kind.REFERENCES: ("reference", ("",)),
}
MOST_VALUES = 100


class Params(Protocol):
    """Query parameters, each with all its values."""

    def getlist(self, key: Any) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter that is set: `values` are what was typed."""

    field: Field
    op: str
    values: tuple[str, ...]
    clause: ColumnElement[bool]

    @property
    def parameter(self) -> str:
        return f"{self.field.name}__{self.op}" if self.op else self.field.name


def shape(field: Field) -> tuple[str, tuple[str, ...]]:
    if is_tree(field):
        return "reference", (*_PLAIN, "under")
    return SHAPES.get(field.kind, ("text", _TEXT))


def filterable(model: type[Any]) -> tuple[Field, ...]:
    """The declared filters; what points at any record by kind and number can also be filtered by the number."""
    fields, names = fields_of(model), list(entity_of(model).filters)
    if "record_type" in names and "record_id" in fields:
        names.append("record_id")
    return tuple(fields[name] for name in dict.fromkeys(names))


def conditions(model: type[Any], params: Params, zone: ZoneInfo) -> tuple[Condition, ...]:
    """Every filter the address sets, in the order of the declaration."""
    return tuple(_read(model, params, zone))


def _read(model: type[Any], params: Params, zone: ZoneInfo) -> Iterator[Condition]:
    for field in filterable(model):
        for op in shape(field)[1]:
            key = f"{field.name}__{op}" if op else field.name
            values = tuple(clean(v) for v in params.getlist(key)[:MOST_VALUES] if clean(v))
            if values:
                yield Condition(field, op, values, _clause(model, field, op, values, zone))


def clean(text: str) -> str:
    """What was typed, without what no database stores."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode().strip()


def _clause(model: type[Any], field: Field, op: str, values: Sequence[str], zone: ZoneInfo) -> ColumnElement[bool]:
    try:
        if field.kind is Kind.REFERENCES:
            return _has(model, field, values)
        if field.computed:
            return asked(expression_of(model, field.name), lambda made: _computed(field, op, made, values))
        column: ColumnElement[Any] = inspect(model).columns[field.name]
        if op == "null":
            return column.is_(None) if values[0] == "true" else column.is_not(None)
        if op == "under":
            return _below(model, field, column, [_key(field, value) for value in values])
        if field.kind is Kind.INSTANT:
            return _moment(column, op, values[0], zone)
        return _COMPARE[op](column, [_READ.get(field.kind, _text)(field, value) for value in values])
    except (ValueError, ArithmeticError):
        return false()


def _computed(field: Field, op: str, made: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """A question of yes or no by its own clause, which indexes may help; other figures are compared."""
    if field.kind is Kind.BOOLEAN:
        return or_(*(made if _boolean(field, value) else not_(made) for value in values))
    if op == "null":
        return made.is_(None) if values[0] == "true" else made.is_not(None)
    return _COMPARE[op](made, [_READ.get(field.kind, _text)(field, value) for value in values])


def _has(model: type[Any], field: Field, values: Sequence[str]) -> ColumnElement[bool]:
    target = related(model, field)
    wanted: ColumnElement[bool] = getattr(model, field.name).any(target.id.in_([_key(field, v) for v in values]))
    return wanted


def _below(model: type[Any], field: Field, column: ColumnElement[Any], keys: Sequence[int]) -> ColumnElement[bool]:
    """These nodes of a tree and all below them: ranges of the index on their paths; '0' is the character after '/'."""
    node, top = aliased(related(model, field)), aliased(related(model, field))
    end = func.substr(top.path, 1, func.length(top.path) - 1, type_=top.path.type) + "0"
    found = select(node.id).join_from(top, node, and_(node.path >= top.path, node.path < end))
    return column.in_(found.where(top.id.in_(keys)))


def _moment(column: ColumnElement[Any], op: str, value: str, zone: ZoneInfo) -> ColumnElement[bool]:
    """A day means the whole day in the reader's zone; an instant with its zone is taken as it is."""
    begin, end = _span(value, zone)
    if op == "gte":
        return column >= begin
    if op == "lte":
        return column < end if end > begin else column <= end
    return and_(column >= begin, column < end) if end > begin else column == begin


def _span(value: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    if len(value) > 10:
        moment = datetime.fromisoformat(value.replace(" ", "+"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return moment.astimezone(UTC), moment.astimezone(UTC)
    first = date.fromisoformat(value)
    begins = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, first + timedelta(days=1)))
    return next(begins), next(begins)


def _key(_field: Field, value: str) -> int:
    key = int(value)
    if not 0 < key < 2**63:
        raise ValueError(value)
    return key


def _number(field: Field, value: str) -> Decimal | int:
    if field.kind is Kind.INTEGER:
        number = int(value)
        if abs(number) >= 2 ** (field.bits - 1):
            raise ValueError(value)
        return number
    amount, (digits, places) = Decimal(value), field.digits
    if not amount.is_finite() or abs(amount) > (10**digits - 1) * Decimal(1).scaleb(-places):
        raise ValueError(value)
    return amount


def _choice(field: Field, value: str) -> Any:
    assert field.choices is not None
    return field.choices(value)


def _boolean(_field: Field, value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError(value)
    return value == "true"


def _date(_field: Field, value: str) -> date:
    return date.fromisoformat(value)


def _text(_field: Field, value: str) -> str:
    return value


_READ: dict[Kind, Callable[[Field, str], Any]] = {
    Kind.REFERENCE: _key,
    Kind.INTEGER: _number,
    Kind.MONEY: _number,
    Kind.FRACTION: _number,
    Kind.QUANTITY: _number,
    Kind.CHOICE: _choice,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
}
_COMPARE: dict[str, Callable[[Any, list[Any]], ColumnElement[bool]]] = {
    "": lambda column, values: column.in_(values),
    "contains": lambda column, values: or_(*(spelt(column, v, anywhere=True) for v in values)),
    "starts": lambda column, values: or_(*(spelt(column, v, anywhere=False) for v in values)),
    "gte": lambda column, values: column >= values[0],
    "lte": lambda column, values: column <= values[0],
}
