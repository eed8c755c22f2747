"""Sample records of any entity, made from its fields: `sample` gives values, `make` stores a record of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.actor import Scope
from crm.audit import plain
from crm.entity import entity_of, name_of
from crm.fields import Field, Kind, fields_of, models, related, writable
from crm.models import Permission, Pipeline, Role, RolePermission, Stage, Team, User
from crm.services import records

_numbers = itertools.count(1)
#: dates and instants lie ahead on whatever day the tests run, and never at a change of day
_LATER = (datetime.now(UTC) + timedelta(days=30)).replace(hour=9, minute=0, second=0, microsecond=0)
#: what a field's kind alone does not tell
SPECIAL: dict[str, Mapping[str, Any]] = {
    "attachment": {"name": "报价 offer.txt"},
    "contact": {"preferred_language": "en"},
    "task": {
        "record_type": None,
        "record_id": None,
        "start_at": None,
        "due_date": None,
        "status": "in_progress",
        "progress": 40,
    },
    "task_series": {"record_type": None, "record_id": None, "rrule": "FREQ=WEEKLY;BYDAY=MO"},
    "reminder": {"record_type": None, "record_id": None},
    "schedule": {
        "kind": "report.mail",
        "cron": "0 8 * * mon",
        "interval_s": None,
    },
    "user": {"locale": "en"},
    "notification_preference": {"kind": "assigned"},
    "email_template": {"language": "en", "about": "contact"},
    "pipeline": {"is_default": False},
    "tag": {"colour": "#1d71a5"},
    "interaction": {"occurred_at": datetime(2025, 1, 31, 9, 0, 1, 120, tzinfo=UTC)},
}
#: what services derive and nobody sends
_HIDDEN: dict[str, Mapping[str, Any]] = {
    "attachment": {"sha256": "0" * 64, "media_type": "text/plain", "size": 3},
}
#: entities of the registry that have generated routes, and those of them that can be created there
REACHED = [model for model in models() if entity_of(model).api]
_MADE_OTHERWISE = ("role", "attachment")
WRITTEN = [m for m in REACHED if "create" in entity_of(m).verbs and name_of(m) not in _MADE_OTHERWISE]


def sample(model: type[Any], session: Session, **chosen: Any) -> dict[str, Any]:
    """Values (by attribute name) a new record can have; what must be referred to is made as well."""
    number, special = next(_numbers), SPECIAL.get(name_of(model), {})
    if name_of(model) == "opportunity":
        default_pipeline(session)
    if name_of(model) in ("reminder", "notification_preference"):
        chosen.setdefault("user_id", user(session).id)
    if name_of(model) == "schedule":
        chosen.setdefault("payload", {"report": "open_pipeline", "recipients": [user(session).id]})
    values: dict[str, Any] = {}
    for field in writable(model):
        if field.kind is Kind.REFERENCE:
            if field.required:
                values[field.name] = make(related(model, field), session).id
        elif field.kind is not Kind.REFERENCES:
            values[field.name] = special[field.name] if field.name in special else _value(field, number)
    return values | chosen


def make(model: type[Any], session: Session, **chosen: Any) -> Any:
    """A stored record of `sample`."""
    if model is User:
        return user(session)
    return records.create(session, model, sample(model, session, **chosen), hidden=_HIDDEN.get(name_of(model)))


def as_json(model: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a client sends them."""
    fields = fields_of(model)
    return {fields[name].json: plain(value) for name, value in values.items()}


def default_pipeline(session: Session) -> Pipeline:
    """The pipeline new deals start in, with its first stage."""
    found = session.scalars(select(Pipeline).where(Pipeline.is_default)).first()
    if found is None:
        found = make(Pipeline, session, is_default=True)
        make(Stage, session, pipeline_id=found.id, position=1)
    return found


def user(session: Session, grants: Mapping[str, Scope] | None = None, *, admin: bool = False, team: Any = None) -> User:
    """A user with a role of their own: these permissions, or all of them."""
    number = next(_numbers)
    role = _role(session, "admin" if admin else f"role {number}")
    for name, scope in (grants or {}).items():
        role.grants.append(RolePermission(permission=_permission(session, name), scope=scope))
    made = User(username=f"user{number}", email=f"user{number}@example.com", name=f"User {number}", roles=[role])
    made.teams = [team] if isinstance(team, Team) else []
    session.add(made)
    session.flush()
    return made


def _role(session: Session, name: str) -> Role:
    found = session.scalars(select(Role).where(Role.name == name)).first() or Role(name=name)
    session.add(found)
    return found


def _permission(session: Session, name: str) -> Permission:
    found = session.scalars(select(Permission).where(Permission.name == name)).first()
    action, _, resource = name.partition("_")
    return found or Permission(name=name, action=action, resource=resource)


def _value(field: Field, number: int) -> Any:
    fixed = {
        Kind.EMAIL: f"person{number}@example.com",
        Kind.PHONE: f"+86 138 0013 {8000 + number % 2000}",
        Kind.URL: f"https://www{number}.example.com",
        Kind.CURRENCY: "CNY",
        Kind.TIMEZONE: "Asia/Shanghai",
        Kind.INTEGER: 3,
        Kind.MONEY: Decimal("-0.50") if number % 2 else Decimal("1234567890123.40"),
        Kind.FRACTION: Decimal("0.1250"),
        Kind.QUANTITY: Decimal("2.500"),
        Kind.BOOLEAN: True,
        Kind.DATE: _LATER.date(),
        Kind.INSTANT: _LATER.replace(second=number % 60, microsecond=number % 2 * 120),
    }
    if field.kind in fixed:
        return fixed[field.kind]
    if field.kind is Kind.CHOICE:
        return field.default or next(iter(field.choices or ()))
    if field.kind is Kind.DOCUMENT:
        return [] if field.name.endswith(("s", "list")) else {}
    return f"{field.label} 示例 {number}"[: field.max_length]
