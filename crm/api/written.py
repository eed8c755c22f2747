"""A record just written, as the object a GET would answer: same keys, same spelling of every value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from crm.api.query import Shape
from crm.api.reach import team_slots
from crm.api.statements import plan_for
from crm.db import actor_of
from crm.fields import Field, Kind, fields_of

Write = Callable[[Any], Any]


def record_data(session: Session, record: Any, *, new: bool = False) -> dict[str, Any]:
    """Every field of the flushed `record`, ready for JSON; `new`: nothing is linked to it but what it holds itself."""
    columns, many = _fields(type(record))  # type: ignore[arg-type]  # classes are hashable
    made = {json: None if (v := getattr(record, name)) is None else write(v) for name, json, write in columns}
    made.update(_links(session, record, many, new=new))
    return made


@lru_cache(maxsize=500)
def _fields(model: Any) -> tuple[list[tuple[str, str, Write]], list[Field]]:
    fields = fields_of(model).values()
    plain = [(f.name, f.json, _WRITE.get(f.kind, _same)) for f in fields if f.kind is not Kind.REFERENCES]
    return plain, [f for f in fields if f.kind is Kind.REFERENCES]


def _links(session: Session, record: Any, many: list[Field], *, new: bool) -> dict[str, Any]:
    """Linked records by number: from the record where they are loaded, else by one select for all of them."""
    loaded = inspect(record).dict
    found = {f.json: sorted(o.id for o in loaded[f.name]) for f in many if f.name in loaded}
    missing = [f for f in many if f.name not in loaded]
    if new:
        return {f.json: found.get(f.json, []) for f in many}
    if missing:
        found |= _numbers(session, record, missing)
    return {f.json: found[f.json] for f in many}


def _numbers(session: Session, record: Any, many: list[Field]) -> dict[str, Any]:
    """By the statement that a GET for these fields alone would run, on the connection of the transaction."""
    actor, connection = actor_of(session), session.connection()
    shape = Shape(fields=("id", *(f.name for f in many)))
    plan = plan_for(type(record), shape, actor, connection.dialect)
    values = {"id": record.id, "me": actor.user_id, "jti": "", **team_slots(actor)}
    row = connection.exec_driver_sql(plan.prepared.sql, tuple(plan.prepared.arguments(values))).one()
    found = plan.record(row)
    return {f.json: found[f.json] for f in many}


def _same(value: Any) -> Any:
    return value


def _money(value: Decimal) -> str:
    return str(Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _share(value: Decimal) -> float:
    return float(Decimal(value).quantize(Decimal("0.0001"), ROUND_HALF_UP))


def _moment(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _day(value: date) -> str:
    return value.isoformat()


def _document(value: Any) -> Any:
    return orjson.Fragment(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


_WRITE: dict[Kind, Write] = {
    Kind.MONEY: _money,
    Kind.FRACTION: _share,
    Kind.QUANTITY: _share,
    Kind.INSTANT: _moment,
    Kind.DATE: _day,
    Kind.CHOICE: str,
    Kind.DOCUMENT: _document,
}
