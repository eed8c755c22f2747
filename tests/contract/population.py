"""Rows of every entity for somebody, a colleague in their team and a stranger: what the matrix is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count
from typing import Any

from sqlalchemy import delete, inspect, select

from crm.entity import RECORD, entity_of, name_of
from crm.fields import models
from crm.models import Contact, NotificationPreference, Team, User
from crm.services import records
from crm.services.notification_kinds import KINDS
from tests.factories import make

#: whose a row is, nearest first
NEAR = ("own", "team", "foreign")
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
            values["kind"] = self._free_kind(session, self.people[whose])
        if on:
            values |= {"record_type": "contact", "record_id": self.row(session, Contact, on).id}
        if "create" in entity.verbs:
            return Row(model, make(model, session, **values).id, whose, on)
        return Row(model, _raw(self, session, model, values).id, whose, on)

    def _free_kind(self, session: Any, person: int) -> str:
        """Used rows make room where the page of preferences has written all kinds at once."""
        mine = NotificationPreference.user_id == person
        taken = set(session.scalars(select(NotificationPreference.kind).where(mine)))
        free = [kind for kind in KINDS if kind not in taken]
        if not free:
            lasting = [row.id for row in self.rows[NotificationPreference]]
            used = delete(NotificationPreference).where(mine, NotificationPreference.id.not_in(lasting))
            session.execute(used.execution_options(unscoped=True))
            return self._free_kind(session, person)
        return free[0]

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


_counted: Iterator[int] = count(1)


def _value(column: Any) -> Any:
    kind, number = column.type.python_type, next(_counted)
    if issubclass(kind, StrEnum):
        return next(iter(kind))
    if kind is str:
        return f"mx {number}"[: column.type.length or 40]
    if kind is int:
        return number
    return kind() if kind in (bool, dict, list) else datetime(2026, 1, 1, tzinfo=UTC)
