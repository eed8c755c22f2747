"""The filters a list offers, and a chip for each that is set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from crm import formats
from crm.admin import labels, paths
from crm.admin.asked import Asked
from crm.admin.filters import Condition, filterable, shape
from crm.db import actor_of
from crm.entity import permission
from crm.fields import Field, Kind, related
from crm.i18n import gettext
from crm.names import words

_SIGNS = {"gte": "≥ ", "lte": "≤ ", "": "", "contains": "", "starts": ""}


def offered(session: Session, model: type[Any], asked: Asked) -> list[dict[str, Any]]:
    """Filters {name, label, kind, ops, choices, values, active, lookup_url, selected, nullable}."""
    usable = (f for f in filterable(model) if _may_look_up(session, model, f))
    return [_offer(session, model, field, asked) for field in usable]


def quick(model: type[Any], asked: Asked) -> list[dict[str, str]]:
    """Questions {label, url} that one click asks: the computed ones that are not asked already."""
    here, set_now = paths.list_of(model), {c.field.name for c in asked.conditions}
    fields = (f for f in filterable(model) if f.computed and f.kind is Kind.BOOLEAN and f.name not in set_now)
    return [
        {"label": gettext(f.label), "url": paths.with_query(here, asked.changed(**{f.name: "true"}))} for f in fields
    ]


def _may_look_up(session: Session, model: type[Any], field: Field) -> bool:
    """Whoever may not view customers cannot look one up to filter by."""
    if field.relation is None:
        return True
    return actor_of(session).may(permission(related(model, field), "view"))


def _offer(session: Session, model: type[Any], field: Field, asked: Asked) -> dict[str, Any]:
    kind, ops = shape(field)
    set_now = {c.op: list(c.values) for c in asked.conditions if c.field.name == field.name}
    offer: dict[str, Any] = {
        "name": field.name,
        "label": gettext(field.label),
        "kind": kind,
        "ops": ops,
        "choices": [{"value": v, "label": text, "selected": v in set_now.get("", [])} for v, text in _choices(field)],
        "values": set_now,
        "active": bool(set_now),
        "nullable": field.nullable and "null" in ops,
        "instant": field.kind is Kind.INSTANT,
    }
    if kind == "reference":
        offer["lookup_url"] = paths.to(paths.identity(model), "ajax", "lookup")
        offer["selected"] = _selected(session, model, field, set_now.get("", []))
        offer["under"] = _selected(session, model, field, set_now.get("under", []))
    return offer


def _choices(field: Field) -> list[tuple[str, str]]:
    if field.kind is Kind.BOOLEAN:
        return [("true", gettext("Yes")), ("false", gettext("No"))]
    return [(str(member), gettext(words(str(member)))) for member in field.choices or ()]


def _selected(session: Session, model: type[Any], field: Field, values: list[str]) -> list[dict[str, str]]:
    keys = [int(v) for v in values if v.isascii() and v.isdigit() and len(v) < 19]
    named = labels.resolve(session, related(model, field), keys)
    return [{"id": str(key), "text": label.text} for key, label in named.items()]


def chips(session: Session, model: type[Any], asked: Asked) -> list[dict[str, str]]:
    """One chip per condition {label, value, remove_url}; a search is no chip, it stands in its field."""
    here = paths.list_of(model)
    return [
        {
            "label": gettext(condition.field.label),
            "value": _value(session, model, condition),
            "remove_url": paths.with_query(here, asked.without(condition.parameter)),
            "name": condition.parameter,
        }
        for condition in asked.conditions
    ]


def _value(session: Session, model: type[Any], condition: Condition) -> str:
    if condition.op == "null":
        return gettext("empty") if condition.values[0] == "true" else gettext("not empty")
    told = formats.listed(_texts(session, model, condition))
    if condition.op == "contains":
        return gettext("contains %(text)s", text=told)
    if condition.op == "under":
        return gettext("%(what)s and below", what=told)
    if condition.op == "starts":
        return gettext("begins with %(text)s", text=told)
    return _SIGNS[condition.op] + told


def _texts(session: Session, model: type[Any], condition: Condition) -> Iterator[str]:
    field, values = condition.field, list(condition.values)
    if field.relation is not None:
        yield from (item["text"] for item in _selected(session, model, field, values))
        return
    known = dict(_choices(field))
    yield from (known.get(value) or _spelt(field, value) for value in values)


def _spelt(field: Field, value: str) -> str:
    """A number or a day as the list spells it; what is neither stays as it was typed."""
    try:
        if field.kind in (Kind.DATE, Kind.INSTANT):
            return formats.day(date.fromisoformat(value))
        if field.kind is Kind.FRACTION:
            return formats.percent(Decimal(value))
        if field.kind in (Kind.INTEGER, Kind.MONEY, Kind.QUANTITY):
            return formats.number(Decimal(value))
    except (ValueError, ArithmeticError):
        pass
    return value
