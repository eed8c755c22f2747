"""What of a caller decides on the text of a select: how far their rights reach, and never who they are."""

from __future__ import annotations

from typing import Any

from crm.access import deciding
from crm.actor import Actor
from crm.api.query import Shape
from crm.entity import permission
from crm.fields import Kind, fields_of, related
from crm.finding import referred
from crm.prepared import Slot

#: numbers no row bears: they stand for the caller's number and teams until the statement runs
_ME = Slot(-(10**12), "me")


def reach_of(model: type[Any], shape: Shape, actor: Actor) -> tuple[Any, ...]:
    """All that the caller's rights change in the text of the statement."""
    involved = (decider for m in _involved(model, shape) for decider in deciding(m))
    scopes = tuple(actor.scope(permission(m, "view")) for m in involved)
    return (scopes, 0 if actor.everything else _room(len(actor.team_ids)))


def team_slots(actor: Actor) -> dict[str, int]:
    """The parameters that hold the actor's teams, padded so that few statements are prepared."""
    teams = sorted(actor.team_ids)
    return {f"team{i}": teams[min(i, len(teams) - 1)] for i in range(_room(len(teams)))}


def _room(count: int) -> int:
    return count if count <= 1 else 1 << (count - 1).bit_length()


def _involved(model: type[Any], shape: Shape) -> list[type[Any]]:
    fields = fields_of(model)
    shown = [fields[name] for name in shape.fields or fields]
    many = [related(model, f) for f in shown if f.kind is Kind.REFERENCES]
    found_by = [related(model, f) for f in referred(model)] if shape.search == "some" else []
    return [model, *many, *found_by, *(related(model, fields[name]) for name in shape.include)]


def stand_in(actor: Actor) -> Actor:
    """An actor of the same reach, whose numbers are slots."""
    teams = frozenset(Slot(_ME - 1 - i, f"team{i}") for i in range(_room(len(actor.team_ids))))
    return Actor(_ME, "", actor.grants, team_ids=teams, everything=actor.everything)
