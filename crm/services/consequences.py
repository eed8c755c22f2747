"""What deleting records would mean: how much goes with them, how much stays, and whether the actor may do it at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.db import actor_of
from crm.entity import entity_of, name_of, permission
from crm.services.chunks import chunks
from crm.services.dependents import Group, live_below, part_of, parts, staying, trashed_below
from crm.services.trash import reachable

Counts = dict[str, int]
_MOST = 10_000


@dataclass(slots=True)
class Consequences:
    """Counts by entity's name: what goes, what stays (of what the actor may see), what keeps it from going.

    `others`: records that would go and that the actor may not see; nothing more is told of them.
    """

    goes: Counts = field(default_factory=dict)
    stays: Counts = field(default_factory=dict)
    refused: Counts = field(default_factory=dict)
    others: int = 0

    @property
    def allowed(self) -> bool:
        return not self.others and not self.refused


def of_deleting(session: Session, model: type[Any], keys: Sequence[int]) -> Consequences:
    """For live records of one entity that the actor sees."""
    found = Consequences()
    groups = live_below(session, model, keys)
    for group in groups:
        seen, free = reachable(session, group)
        _add(found.goes, group.model, len(seen))
        _add(found.refused, group.model, len(seen) - len(free))
        found.others += len(group.roots) - len(seen)
    for group in (Group(model, dict.fromkeys(keys, 0)), *groups):
        _count_parts(session, found.goes, group)
    _count_staying(session, found.stays, model, keys)
    return _sorted(found)


def of_purging(session: Session, model: type[Any], marks: dict[int, str]) -> Consequences:
    """For trashed records (number → mark): what went along is deleted for good with them."""
    found, actor = Consequences(), actor_of(session)
    for group in trashed_below(session, model, marks):
        known = actor.may(permission(group.model, "view"))
        _add(found.goes, group.model, len(group.roots) if known else 0)
        found.others += 0 if known else len(group.roots)
        if not actor.may(permission(group.model, "purge")):
            _add(found.refused, group.model, len(group.roots))
    return _sorted(found)


def _count_parts(session: Session, goes: Counts, group: Group) -> None:
    for child in parts(group.model):
        if entity_of(child).verbs and actor_of(session).may(permission(child, "view")):
            for keys in chunks(sorted(group.roots)):
                wanted = select(func.count(child.id)).where(*part_of(child, group.model, keys))
                _add(goes, child, session.scalar(wanted) or 0)


def _count_staying(session: Session, stays: Counts, model: type[Any], keys: Sequence[int]) -> None:
    for child, column, clauses in staying(model):
        if not actor_of(session).may(permission(child, "view")):
            continue
        for some in chunks(keys):
            wanted = select(func.count(child.id)).where(column.in_(some), *clauses)
            if child is model:  # what is deleted by itself does not stay; too many to say so are counted
                wanted = wanted.where(child.id.not_in(keys[:_MOST]))
            _add(stays, child, session.scalar(wanted) or 0)


def _add(counts: Counts, model: type[Any], number: int) -> None:
    if number:
        counts[name_of(model)] = counts.get(name_of(model), 0) + number


def _sorted(found: Consequences) -> Consequences:
    for name in ("goes", "stays", "refused"):
        setattr(found, name, dict(sorted(getattr(found, name).items())))
    return found
