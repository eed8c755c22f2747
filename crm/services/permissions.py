"""Permissions: the names follow from the registry; the table holds what the code knows, no more and no less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm.entity import entity_of, name_of, operations_of, permission, plural_of, titles_of
from crm.fields import models
from crm.models.permission import Permission

#: verbs that a route of its own asks for, of entities that have no generated one
_BY_HAND = {"email_message": ("create",)}


@dataclass(frozen=True, slots=True)
class Right:
    """`view_contacts`: the action `view` on the resource `contacts`, with the class it belongs to."""

    name: str
    action: str
    resource: str
    description: str
    model: type[Any]


def rights() -> dict[str, Right]:
    """Every permission there is, by name."""
    found: dict[str, Right] = {}
    for model in models():
        for right in _rights_of(model):
            found.setdefault(right.name, right)
    return found


def sync(session: Session) -> list[str]:
    """Write down what is missing, delete what no longer exists; answers the new names."""
    known = {row.name: row for row in session.scalars(select(Permission))}
    wanted = rights()
    for name in known.keys() - wanted.keys():
        session.delete(known[name])
    for name, right in wanted.items():
        row = known.get(name) or Permission(name=name)
        row.action, row.resource, row.description = right.action, right.resource, right.description
        session.add(row)
    session.flush()
    return sorted(wanted.keys() - known.keys())


def _rights_of(model: type[Any]) -> Iterator[Right]:
    entity, resource = entity_of(model), plural_of(model)
    if entity.manage:
        action, _, managed = entity.manage.partition("_")
        yield Right(entity.manage, action, managed, _words(action, managed), model)
        return
    for verb in _verbs(model):
        if name := permission(model, verb):
            yield Right(name, verb, resource, _words(verb, titles_of(model)), model)


def _verbs(model: type[Any]) -> Iterator[str]:
    entity = entity_of(model)
    yield "view"
    yield "export"
    yield from (*entity.verbs, *_BY_HAND.get(name_of(model), ()))
    if _is_imported(model):
        yield "import"
    if "deleted_at" in inspect(model).columns:
        yield "purge"
    yield from operations_of(model)


def _is_imported(model: type[Any]) -> bool:
    """What people keep in tables of their own elsewhere: records that are searched for, and made from fields alone."""
    entity = entity_of(model)
    return "create" in entity.verbs and entity.api and bool(entity.search) and not entity.through


def _words(verb: str, what: str) -> str:
    return f"{verb.replace('_', ' ').capitalize()} {what.replace('_', ' ').lower()}"
