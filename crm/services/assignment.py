"""Values put on a record: whose it is, and that it points only at what its writer can see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm import access, finding
from crm.db import actor_of
from crm.entity import entity_of, title_of
from crm.errors import invalid
from crm.fields import Field, Kind, fields_of, related

Values = Mapping[str, Any]


def ownership(session: Session, model: type[Any]) -> dict[str, Any]:
    """New records belong to whoever makes them, and to their team."""
    actor, columns = actor_of(session), inspect(model).columns
    mine: dict[str, Any] = {}
    owner = entity_of(model).owner
    if owner not in ("", "id") and actor.user_id is not None:
        mine[owner] = actor.user_id
    if "team_id" in columns and actor.home_team is not None:
        mine["team_id"] = actor.home_team
    return mine


def assign(session: Session, record: Any, values: Values) -> None:
    fields = fields_of(type(record))
    for name, value in values.items():
        field = fields[name]
        if field.kind is Kind.REFERENCES:
            setattr(record, name, _referred_many(session, type(record), field, value))
        elif value != getattr(record, name):
            if field.kind is Kind.REFERENCE and value is not None:
                _check_reference(session, type(record), field, value)
            setattr(record, name, value)
            if field.relation and record in session and inspect(record).persistent:
                session.expire(record, [field.relation])  # the relation follows its key


def assign_hidden(record: Any, hidden: Values | None) -> None:
    for name, value in (hidden or {}).items():
        setattr(record, name, value)


def _check_reference(session: Session, model: type[Any], field: Field, key: int) -> None:
    """A record may only point at what its writer can see; itself as owner needs no look."""
    if field.target == "user" and key == actor_of(session).user_id:
        return
    target = related(model, field)
    is_visible = finding.is_visible if field in finding.referred(model) else access.is_visible
    if not is_visible(session, target, key):
        raise invalid(field.json, "%(what)s not found", what=title_of(target))


def _referred_many(session: Session, model: type[Any], field: Field, keys: list[int]) -> list[Any]:
    target, wanted = related(model, field), sorted(set(keys))
    if not wanted:
        return []
    found = list(session.scalars(select(target).where(target.id.in_(wanted)).order_by(target.id)))
    if len(found) != len(wanted):
        raise invalid(field.json, "%(what)s not found", what=title_of(target))
    return found
