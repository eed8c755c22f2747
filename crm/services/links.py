"""Links to any record, by kind and number, as tasks and reminders carry them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm import access
from crm.actor import Actor
from crm.db import actor_of
from crm.entity import REGISTRY, entity_of, name_of, permission, title_of
from crm.errors import invalid

#: users, roles, jobs and the like: asking whether a number exists there would tell something
_NOT_LINKED = ("Administration", "Automation")


@dataclass(frozen=True, slots=True)
class Link:
    """A link that no stored record carries."""

    record_type: str
    record_id: int


def check(session: Session, record: Any) -> None:
    """A record may only point at what its writer can see; raises BadInput, or Forbidden for a kind they may not view.

    Looks only at links that have changed.
    """
    attributes = inspect(record).attrs
    if not any(attributes[name].history.has_changes() for name in ("record_type", "record_id")):
        return
    kind, key = record.record_type or None, record.record_id
    record.record_type = kind
    if kind is None and key is None:
        return
    if kind is None:
        raise invalid("recordType", "is needed as well: the kind of the linked record")
    if key is None:
        raise invalid("recordId", "is needed as well: the linked record itself")
    model = REGISTRY.get(kind)
    if model is None or entity_of(model).section in _NOT_LINKED:
        raise invalid("recordType", "must be a kind of record such as customer or opportunity")
    access.require(actor_of(session), permission(model, "view"))
    if session.scalar(select(model.id).where(model.id == key)) is None:
        raise invalid("recordId", "%(what)s not found", what=title_of(model))


def seen_by(session: Session, record: Any, reader: Actor) -> Any | None:
    """The record that `record` points at, if `reader` may see it right now; else None."""
    model = REGISTRY.get(record.record_type or "")
    if model is None or record.record_id is None:
        return None
    wanted = select(model).where(model.id == record.record_id, access.visible(model, reader))
    return session.scalar(wanted, execution_options={"unscoped": True})


def path(record: Any) -> str:
    """Where the panel shows the record that `record` points at; empty without a link."""
    return f"/admin/{_identity(record.record_type)}/details/{record.record_id}" if record.record_type else ""


def list_path(model: type[Any], **filters: object) -> str:
    """Where the panel lists the records of `model` that fit."""
    return f"/admin/{_identity(name_of(model))}/list?{urlencode(filters)}"


def _identity(name: str) -> str:
    """As the panel spells an entity in its addresses: `task_series` → `task-series`."""
    return name.replace("_", "-")
