"""A naive second opinion on who may do what, and the rows it is asked about.

`Sight` is written from the design alone and uses nothing of `crm.access`: three kinds of rows, three scopes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import inspect, select

from crm.entity import RECORD, entity_of, name_of, permission
from crm.fields import models
from crm.models import Contact, NotificationPreference, Team, User
from crm.services import records
from crm.services.notification_kinds import KINDS
from crm.services.permissions import rights
from seeds.initial.roles import ROLES
from tests.factories import make

#: whose a row is, nearest first; a scope reaches as many of them
NEAR = ("own", "team", "foreign")
REACH = {"own": 1, "team": 2, "all": 3}
#: what belongs to nobody
SHARED = "shared"
MODELS = models()


@dataclass(frozen=True)
class Row:
    """One record: `whose` it is, and whose the contact is that it hangs on (empty: on none)."""

    model: type[Any]
    id: int
    whose: str
    on: str = ""

    def __str__(self) -> str:
        return f"{name_of(self.model)} {self.whose}{' on ' + self.on if self.on else ''}"


@dataclass(frozen=True)
class Sight:
    """What somebody with these grants (permission → own, team or all) sees and may do."""

    grants: dict[str, str]
    everything: bool = False

    def may(self, name: str | None) -> bool:
        return name is None or name in self.grants

    def reaches(self, model: type[Any], verb: str, whose: str) -> bool:
        """Whether the scope of a verb's permission goes as far as a row of that kind."""
        name = permission(model, verb)
        reach = REACH[self.grants[name]] if name in self.grants else 3 if name is None else 0
        return whose == SHARED or NEAR.index(whose) < reach

    def touches(self, row: Row, verb: str) -> bool:
        """The row itself is reached, or what it hangs on is seen (and may be changed, where it is changed)."""
        if self.reaches(row.model, verb, row.whose):
            return True
        needed = {"view", "view" if verb in ("view", "export") else "update"}
        return bool(row.on) and all(self.reaches(Contact, one, row.on) for one in needed)

    def answer(self, row: Row, name: str | None, verb: str, *, asking: bool = False) -> int:
        """403 without the permission; 404 for what is not seen; 403 for what is seen and out of the verb's reach."""
        if not self.may(name) or (_of_another(name, row.model) and not self.may(permission(row.model, "view"))):
            return 403
        if not self.touches(row, "view"):
            return 404
        if name_of(row.model) == "schedule" and verb in ("update", "run_now") and row.whose != "own" and not asking:
            return 200 if self.everything else 403  # it runs with its owner's rights, so nobody else may turn it
        return 200 if name != permission(row.model, verb) or self.touches(row, verb) else 403


def _of_another(name: str | None, model: type[Any]) -> bool:
    """A verb on one record that asks for the permission of another kind: adding contacts to a group."""
    return name is not None and name in _rights() and _rights()[name].model is not model and not entity_of(model).manage


# ---------------------------------------------------------------------------------------------- roles


@cache
def _rights() -> dict[str, Any]:
    return rights()


def _granting(wanted: Any) -> dict[str, str]:
    """Every permission that exists, with the scope `wanted(right)` gives; None leaves it out."""
    scopes = {name: wanted(right) for name, right in _rights().items()}
    return {name: str(scope) for name, scope in scopes.items() if scope}


@cache
def roles() -> dict[str, dict[str, str]]:
    """Name → grants: none, one scope for everything, sight and verbs apart, and the four that are shipped."""
    made: dict[str, dict[str, str]] = {"none": {}}
    made |= {scope: _granting(lambda _, scope=scope: scope) for scope in REACH}
    made["sees all, acts on own"] = _granting(lambda right: "all" if right.action == "view" else "own")
    made["sees own, acts on all"] = _granting(lambda right: "own" if right.action == "view" else "all")
    made["sees nothing"] = _granting(lambda right: None if right.action == "view" else "all")
    return made | {f"shipped {name}": _granting(grant) for name, (_, grant) in ROLES.items()}


def verbs_of(model: type[Any]) -> list[str]:
    """Every verb that asks for a permission of its own."""
    own = [right.action for right in _rights().values() if right.model is model]
    return [] if entity_of(model).manage else [verb for verb in own if verb != "view"]


def only(model: type[Any], verb: str) -> dict[str, str]:
    """A role that sees everything and may do this alone."""
    seen = {name: "all" for name, right in _rights().items() if right.action == "view"}
    return seen | {str(permission(model, verb)): "all"}


# ---------------------------------------------------------------------------------------------- rows


@dataclass
class Population:
    """`me` and a colleague in a team, a stranger in another; rows of every entity for each of them."""

    people: dict[str, int]
    teams: dict[str, int]
    rows: dict[type[Any], list[Row]] = field(default_factory=dict)
    trashed: dict[type[Any], list[Row]] = field(default_factory=dict)

    def make(self, session: Any, model: type[Any], whose: str, *, on: str = "") -> Row:
        """A new row; of what hangs on another, its parent is that of the same kind."""
        entity, columns = entity_of(model), inspect(model).columns
        values: dict[str, Any] = {}
        if model is User:
            team = session.get(Team, self.teams.get(whose, 0))
            return Row(model, make_user(session, team), whose)
        if entity.owner:
            values[entity.owner] = self.people["foreign" if on else whose]
            if "team_id" in columns:
                values["team_id"] = self.teams["foreign" if on else whose]
        if entity.through and entity.through != RECORD:
            relation = inspect(model).relationships[entity.through]
            parent = relation.mapper.class_
            values[next(iter(relation.local_columns)).key] = self.row(session, parent, whose).id
        if model is NotificationPreference:  # each person has one a kind
            taken = set(session.scalars(select(model.kind).where(model.user_id == self.people[whose])))
            values["kind"] = next(kind for kind in KINDS if kind not in taken)
        if on:
            values |= {"record_type": "contact", "record_id": self.row(session, Contact, on).id}
        if "create" in entity.verbs:
            return Row(model, make(model, session, **values).id, whose, on)
        return Row(model, _raw(self, session, model, values).id, whose, on)

    def row(self, session: Any, model: type[Any], whose: str) -> Row:
        """The lasting row of that kind, made when first asked for."""
        return next(row for row in self.lasting(session, model) if row.whose in (whose, SHARED) and not row.on)

    def lasting(self, session: Any, model: type[Any]) -> list[Row]:
        if model not in self.rows:
            self.rows[model] = self._all(session, model)
        return self.rows[model]

    def in_trash(self, session: Any, model: type[Any]) -> list[Row]:
        """Rows like the lasting ones, in the trash."""
        if model not in self.trashed:
            kinds = (SHARED,) if not is_owned(model) else NEAR[1:] if model is User else NEAR
            self.trashed[model] = [self.throw_away(session, self.make(session, model, kind)) for kind in kinds]
        return self.trashed[model]

    def throw_away(self, session: Any, row: Row) -> Row:
        """By hand, where people may not delete it."""
        record = session.get(row.model, row.id)
        records.delete(session, record)
        return row

    def _all(self, session: Any, model: type[Any]) -> list[Row]:
        if not is_owned(model):
            return [self.make(session, model, SHARED)]
        if model is User:
            return [Row(User, self.people[whose], whose) for whose in NEAR]
        made = [self.make(session, model, whose) for whose in NEAR]
        if entity_of(model).through == RECORD:
            made += [self.make(session, model, "foreign", on=whose) for whose in NEAR]
        return made


def is_owned(model: type[Any]) -> bool:
    return bool(entity_of(model).owner or entity_of(model).through)


def populate(session: Any) -> Population:
    ours, theirs = make(Team, session), make(Team, session)
    teams = {"own": ours.id, "team": ours.id, "foreign": theirs.id}
    people = {whose: make_user(session, session.get(Team, teams[whose])) for whose in NEAR}
    return Population(people, teams)


def make_user(session: Any, team: Any) -> int:
    user = make(User, session)
    user.teams, user.roles = [team] if team else [], []
    session.flush()
    return int(user.id)


def _raw(population: Population, session: Any, model: type[Any], values: dict[str, Any]) -> Any:
    """A row of what people do not create: the columns that must be there, by their types."""
    made = dict(values)
    for column in inspect(model).columns:
        if column.nullable or column.default is not None or column.server_default is not None or column.primary_key:
            continue
        if column.key in made or column.key == "version":
            continue
        if column.foreign_keys:
            table = next(iter(column.foreign_keys)).column.table.name
            parent = next(one for one in MODELS if name_of(one) == table)
            made[column.key] = population.row(session, parent, "own").id
            continue
        made[column.key] = _value(column)
    record = model(**made)
    session.add(record)
    session.flush()
    return record


_counted = iter(range(1, 10**9))


def _value(column: Any) -> Any:
    kind, number = column.type.python_type, next(_counted)
    if issubclass(kind, StrEnum):
        return next(iter(kind))
    if kind is str:
        return f"mx {number}"[: column.type.length or 40]
    if kind is int:
        return number
    return kind() if kind in (bool, dict, list) else datetime(2026, 1, 1, tzinfo=UTC)
