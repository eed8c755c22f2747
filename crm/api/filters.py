"""Filters of a list: `status=active`, `amount[gte]=1000`, `ownerId[in]=1,2`, `closedAt[null]=true`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, and_, bindparam, func, inspect, not_, or_, select
from sqlalchemy.orm import RelationshipProperty

from crm.entity import REGISTRY
from crm.errors import invalid
from crm.expressions import LONGEST_PART, Pattern, asked, holds
from crm.fields import Field, Kind, expression_of, field_of, is_tree

_LISTED = ("in", "nin")
_ORDERED = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "null")
_PARTS = ("contains", "starts")
_TEXT = ("eq", "ne", "in", "nin", "null", *_PARTS)
_MOST = 200
_BOOLEANS = {"true": True, "false": False}
#: operators by kind of field; whatever is not here is text
OPERATORS: dict[Kind, tuple[str, ...]] = {
    **dict.fromkeys((Kind.INTEGER, Kind.MONEY, Kind.FRACTION, Kind.QUANTITY, Kind.DATE, Kind.INSTANT), _ORDERED),
    Kind.BOOLEAN: ("eq", "ne", "null"),
    Kind.CHOICE: ("eq", "ne", "in", "nin", "null"),
    Kind.REFERENCE: ("eq", "ne", "in", "nin", "null"),
    Kind.REFERENCES: ("eq", "ne", "in", "nin", "null"),
    Kind.DOCUMENT: ("null",),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition without its values: field, operator, and how many values it takes."""

    field: str
    operator: str
    values: int


def operators_of(field: Field) -> tuple[str, ...]:
    if _is_question(field):
        return ("eq", "ne")
    if is_tree(field):
        return (*OPERATORS[Kind.REFERENCE], "under")
    return _ORDERED if field.name == "id" else OPERATORS.get(field.kind, _TEXT)


def parse_filter(field: Field, operator: str, text: str, place: int) -> tuple[Filter, dict[str, Any]]:
    """The condition and its parameters, named after `place`; BadInput if the text does not fit the field."""
    name = field.json if operator == "eq" else f"{field.json}[{operator}]"
    if operator not in operators_of(field):
        raise invalid(
            name, "is not an operator of this field; it knows %(known)s", known=", ".join(operators_of(field))
        )
    if operator == "null":
        if text not in _BOOLEANS:
            raise invalid(name, _SENTENCES[Kind.BOOLEAN])
        return Filter(field.name, "null" if _BOOLEANS[text] else "notnull", 0), {}
    if _is_question(field):  # answered by its own clause, which indexes may help
        return Filter(field.name, "is" if _is_true(field, name, operator, text) else "isnot", 0), {}
    texts = text.split(",") if operator in _LISTED else [text]
    if len(texts) > _MOST:
        raise invalid(name, "takes at most %(most)s values", most=_MOST)
    values = [parse_value(field, name, part) for part in texts]
    if operator in _PARTS and len(text) > LONGEST_PART:
        raise invalid(name, "must have at most %(most)s characters", most=LONGEST_PART)
    values += [values[-1]] * (_padded(len(values)) - len(values))
    parameters = {f"f{place}_{i}": value for i, value in enumerate(values)}
    return Filter(field.name, operator, len(values)), parameters


def _is_question(field: Field) -> bool:
    return field.computed and field.kind is Kind.BOOLEAN


def _is_true(field: Field, name: str, operator: str, text: str) -> bool:
    return bool(parse_value(field, name, text)) is (operator == "eq")


def _padded(count: int) -> int:
    """Few lengths of lists, so that few statements are prepared."""
    return count if count <= 1 else 1 << (count - 1).bit_length()


# ---------------------------------------------------------------------------------------------- values


def parse_value(field: Field, name: str, text: str) -> Any:
    """The text of a parameter as a value of the field; BadInput names the parameter."""
    read = _READERS.get(field.kind)
    try:
        return read(field, text) if read is not None else _text(text)
    except (ValueError, ArithmeticError):
        sentence = _SENTENCES.get(field.kind, "is not a text that can be searched for")
        raise invalid(name, sentence, known=", ".join(field.choices or ())) from None


def _text(text: str) -> str:
    if "\x00" in text:
        raise ValueError
    return text


def _integer(_field: Field, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or not -(2**63) <= int(text) < 2**63:
        raise ValueError
    return int(text)


def _whole(field: Field, text: str) -> int:
    value = _integer(field, text)
    if not -(2 ** (field.bits - 1)) <= value < 2 ** (field.bits - 1):
        raise ValueError
    return value


def _decimal(field: Field, text: str) -> Decimal:
    """A number that the column can hold: rounded to fit, it would find other records than were asked for."""
    if not re.fullmatch(decimal_pattern(field), text):
        raise InvalidOperation
    return Decimal(text)


def decimal_pattern(field: Field) -> str:
    """How a number with decimals is written in a query string."""
    digits, places = field.digits
    return rf"^-?0*[0-9]{{1,{digits - places}}}(\.[0-9]{{1,{places}}}0*)?$"


def _day(_field: Field, text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError
    return date.fromisoformat(text)


def _moment(_field: Field, text: str) -> datetime:
    """A plus sign that the query string made a space is a plus sign."""
    value = datetime.fromisoformat(re.sub(r" (\d\d:?\d\d)$", r"+\1", text))
    if value.tzinfo is None or not 1 < value.year < 9999:
        raise ValueError
    return value


def _boolean(_field: Field, text: str) -> bool:
    if text not in _BOOLEANS:
        raise ValueError
    return _BOOLEANS[text]


def _choice(field: Field, text: str) -> Any:
    assert field.choices is not None
    return field.choices(text)


_READERS: dict[Kind, Callable[[Field, str], Any]] = {
    Kind.INTEGER: _whole,
    Kind.REFERENCE: _integer,
    Kind.REFERENCES: _integer,
    Kind.MONEY: _decimal,
    Kind.FRACTION: _decimal,
    Kind.QUANTITY: _decimal,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _day,
    Kind.INSTANT: _moment,
    Kind.CHOICE: _choice,
}
_SENTENCES = {
    Kind.INTEGER: "must be a whole number",
    Kind.REFERENCE: "must be the number of a record",
    Kind.REFERENCES: "must be the number of a record",
    Kind.MONEY: "must be a number such as 1000 or 99.50, of at most 16 digits and 2 decimals",
    Kind.FRACTION: "must be a number such as 0.25, of at most 4 decimals",
    Kind.QUANTITY: "must be a number such as 2 or 1.5, of at most 12 digits and 3 decimals",
    Kind.BOOLEAN: "must be true or false",
    Kind.DATE: "must be a date such as 2026-11-30",
    Kind.INSTANT: "must be an instant such as 2026-11-30T09:00:00Z",
    Kind.CHOICE: "must be one of: %(known)s",
}


# ---------------------------------------------------------------------------------------------- conditions


def condition(model: type[Any], wanted: Filter, place: int) -> ColumnElement[bool]:
    """The clause of one filter, with parameters named as `parse_filter` names them."""
    field = field_of(model, wanted.field)
    if field.kind is Kind.REFERENCES:
        return _linked(model, field, wanted, place)
    if field.computed:
        return asked(expression_of(model, field.name), lambda value: _compare(value, wanted, place))
    column: ColumnElement[Any] = model.__table__.c[field.name]
    if wanted.operator == "under":
        return _below(column, REGISTRY[str(field.target)].__table__, place)
    return _compare(column, wanted, place)


def _below(column: ColumnElement[Any], target: FromClause, place: int) -> ColumnElement[bool]:
    """The node and all below it: one range of the index on its paths; '0' is the character after '/'."""
    node, top = target.alias(), target.alias()
    end = func.substr(top.c.path, 1, func.length(top.c.path) - 1, type_=top.c.path.type) + "0"
    key = bindparam(f"f{place}_0", type_=column.type)
    found = select(node.c.id).join_from(top, node, and_(node.c.path >= top.c.path, node.c.path < end))
    return column.in_(found.where(top.c.id == key))


def _compare(column: ColumnElement[Any], wanted: Filter, place: int) -> ColumnElement[bool]:
    if wanted.operator in _PARTS:
        return holds(column, bindparam(f"f{place}_0", type_=Pattern(anywhere=wanted.operator == "contains")))
    values = [bindparam(f"f{place}_{i}", type_=column.type) for i in range(wanted.values)]
    match wanted.operator:
        case "is":
            return column
        case "isnot":
            return not_(column)
        case "null":
            return column.is_(None)
        case "notnull":
            return column.is_not(None)
        case "in":
            return column.in_(values)
        case "nin":  # what is empty is not among them
            return or_(column.not_in(values), column.is_(None))
        case "ne":
            return column.is_distinct_from(values[0])
    comparison: ColumnElement[bool] = getattr(column, _PLAIN[wanted.operator])(values[0])
    return comparison


_PLAIN = {"eq": "__eq__", "gt": "__gt__", "gte": "__ge__", "lt": "__lt__", "lte": "__le__"}


def _linked(model: type[Any], field: Field, wanted: Filter, place: int) -> ColumnElement[bool]:
    """Has (one of) these related records; has any at all."""
    relation: RelationshipProperty[Any] = inspect(model).relationships[field.relation]
    any_of: Callable[..., ColumnElement[bool]] = getattr(model, field.name).any
    target = relation.mapper.class_
    if wanted.operator in ("null", "notnull"):
        return ~any_of() if wanted.operator == "null" else any_of()
    numbers = [bindparam(f"f{place}_{i}", type_=BigInteger) for i in range(wanted.values)]
    found = any_of(target.id.in_(numbers))
    return found if wanted.operator in ("eq", "in") else ~found
