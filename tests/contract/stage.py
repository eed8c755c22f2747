"""One user whose roles change, at both doors of one application, and a connection beside that watches what they do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, func, inspect, select

from crm.admin.paths import identity
from crm.entity import RECORD, entity_of, name_of
from crm.models import AuditEntry, Contact, Job, Permission, Role, RolePermission, User
from crm.models.user import user_team
from crm.services import sessions
from tests.admin.conftest import Visitor
from tests.conftest import BACKENDS
from tests.contract.matrix import Sight, roles
from tests.contract.population import MODELS, SHARED, Population, Row, is_owned, populate

#: whoever has the role of this name may do everything
ADMIN = "shipped admin"
#: the roles PostgreSQL plays: each clause comes by, of one's own and of the team's rows, and of rows that are seen and
#: out of a verb's reach.  SQLite, which takes less time, plays the others, which hold the same clauses, and `team` too.
SAMPLED = frozenset({"own", "team", "sees all, acts on own"})
#: what is sent to be turned away with a sentence, and changes nothing
TURNED_AWAY = 303
#: what does not depend on the database
on_one_database = pytest.mark.parametrize("world", ["sqlite"], indirect=True, scope="session")
each_role = pytest.mark.parametrize(
    ("world", "role"),
    [
        (kind, role)
        for kind in BACKENDS
        for role in roles()
        if role == "team" or (role in SAMPLED) != (kind == "sqlite")
    ],
    indirect=["world"],
    scope="session",
)
_LINK = re.compile(r'href="/admin/([a-z-]+)/(?:details|edit|mail|timeline)/(\d+)')
_ENDS = [select(func.max(model.id)).scalar_subquery().label(f"last_{name_of(model)}") for model in (AuditEntry, Job)]
#: a page that says no need not be drawn, and none need be packed
_PLAIN = {"accept-encoding": "identity"}
_BRIEF = {**_PLAIN, "accept": "application/json"}
_BY_IDENTITY = {identity(model): model for model in MODELS}


class Stage:
    """`become` changes what `me` may do; `api` and `panel` are their two doors."""

    def __init__(self, world: Any) -> None:
        self.world, self._roles, self._is = world, dict[str, int](), ""
        self._known: dict[tuple[str, int], list[Row]] = {}
        self._spares: dict[Row, list[Row]] = {}
        with world.session() as session:
            self.people: Population = populate(session)
            self.me = self.people.people["own"]
            cookie = sessions.open_session(session, session.get(User, self.me))
            for model in MODELS:
                self.people.lasting(session, model)
                if hasattr(model, "deleted_at"):
                    self.people.in_trash(session, model)
            known = dict(session.execute(select(Permission.name, Permission.id)).all())
            for name in {name for grants in roles().values() for name in grants} - known.keys():
                action, _, resource = name.partition("_")
                session.add(Permission(name=name, action=action, resource=resource))
        self.api = world.as_user(self.me)
        self.panel = Visitor(world.client, cookie, self.me)
        self.beside: Connection = world.database.engine(write=False).connect()
        self.beside = self.beside.execution_options(isolation_level="AUTOCOMMIT")

    def become(self, name: str, grants: dict[str, str]) -> Sight:
        """From now on `me` has exactly these rights; every process must notice."""
        if self._is != name:
            with self.world.session() as session:
                user = session.get(User, self.me)
                user.roles = [session.get(Role, self._role(session, name, grants))]
            self._is, self.api = name, self.world.as_user(self.me)  # a token lives shorter than a slow machine needs
        return Sight(grants, everything=name == ADMIN)

    def _role(self, session: Any, name: str, grants: dict[str, str]) -> int:
        if name not in self._roles:
            numbers = dict(session.execute(select(Permission.name, Permission.id)).all())
            role = Role(name=f"matrix: {name}")
            if name == ADMIN:
                role = session.scalars(select(Role).where(Role.name == "admin")).first() or Role(name="admin")
            role.grants = [RolePermission(permission_id=numbers[one], scope=scope) for one, scope in grants.items()]
            session.add(role)
            session.flush()
            self._roles[name] = role.id
        return self._roles[name]

    # ------------------------------------------------------------------ rows

    def lasting(self, model: type[Any]) -> list[Row]:
        return self.people.rows[model]

    def trashed(self, model: type[Any]) -> list[Row]:
        return self.people.trashed.get(model, [])

    def spare(self, row: Row, *, trashed: bool = False) -> Row:
        """A row of the same kind, for what would use it up: one that was restored or deleted before, or a new one."""
        made = self._spares.setdefault(replace(row, id=0), [])
        table = row.model.__table__
        if made and "deleted_at" in table.c:
            wanted = table.c.id.in_([one.id for one in made]), _trashed(table) if trashed else ~_trashed(table)
            key = self.beside.execute(select(func.max(table.c.id)).where(*wanted)).scalar()
            if key is not None:
                return replace(row, id=key)
        with self.world.session() as session:
            made.append(self.people.make(session, row.model, row.whose, on=row.on))
            return self.people.throw_away(session, made[-1]) if trashed else made[-1]

    def trace(self, row: Row | None) -> tuple[Any, ...]:
        """What a refused act must not change: the row, and the end of the audit and of the queue."""
        found = self.beside.execute(_tracing(row.model.__table__), {"key": row.id}).one_or_none() if row else None
        return tuple(self.beside.execute(select(*_ENDS)).one() if found is None else found)

    def whole(self, model: type[Any], *, trash: bool = False, key: int | None = None) -> list[Row]:
        """Every live row of the database (with `trash`, every row), or one, told apart by its columns alone."""
        table, entity = model.__table__, entity_of(model)
        wanted = select(table) if trash or "deleted_at" not in table.c else select(table).where(~_trashed(table))
        rows = self.beside.execute(wanted if key is None else wanted.where(table.c.id == key)).all()
        if not is_owned(model):
            return [Row(model, row.id, SHARED) for row in rows]
        if entity.through and entity.through != RECORD:
            relation = inspect(model).relationships[entity.through]
            column, parent = next(iter(relation.local_columns)).key, relation.mapper.class_
            # what is told of a record in the trash belongs to whom it belonged
            whose = {row.id: row.whose for row in self.whole(parent, trash=True)}
            return [Row(model, row.id, whose.get(getattr(row, column), "foreign")) for row in rows]
        return [self._told(model, row) for row in rows]

    def _told(self, model: type[Any], row: Any) -> Row:
        owner, on = getattr(row, entity_of(model).owner), ""
        has_team = "team_id" in inspect(model).columns
        near = row.team_id == self.people.teams["own"] if has_team else owner in self._ours()
        if entity_of(model).through == RECORD and row.record_type == "contact":
            on = next((one.whose for one in self.whole(Contact, key=row.record_id)), "")
        return Row(model, row.id, "own" if owner == self.me else "team" if near else "foreign", on)

    def _ours(self) -> set[int]:
        """Who is in the team just now: other tests take people in."""
        member = select(user_team.c.user_id).where(user_team.c.team_id == self.people.teams["own"])
        return set(self.beside.execute(member).scalars())

    def hidden_links(self, page: str, sight: Sight) -> Iterator[str]:
        """Links of a page of the panel to records that its reader cannot see."""
        for name, key in sorted(set(_LINK.findall(page))):
            for row in self._linked(name, int(key)):
                if not sight.touches(row, "view"):
                    yield f"{name} {row.whose} {key}"

    def _linked(self, name: str, key: int) -> list[Row]:
        """Whose a record is never changes here."""
        model = _BY_IDENTITY.get(name)
        if (name, key) not in self._known:
            self._known[name, key] = self.whole(model, trash=True, key=key) if model else []
        return self._known[name, key]


def _trashed(table: Any) -> Any:
    return table.c.deleted_at.is_not(None)


@cache
def _tracing(table: Any) -> Any:
    """Built once: each request is compared with what was before."""
    return select(*_ENDS, *table.c).where(table.c.id == bindparam("key"))


@pytest.fixture(scope="session")
def stage(world: Any) -> Iterator[Stage]:
    made = Stage(world)
    yield made
    made.beside.close()


# ---------------------------------------------------------------------------------------------- comparing


def agrees(expected: int, status: int) -> bool:
    """A business rule may still refuse what the rights allow (400, 409 …), but never as 401, 403, 404 or by failing."""
    return status == expected if expected != 200 else status < 500 and status not in (401, 403, 404)


class Deviations(list[str]):
    """What did not go as the second opinion says; empty in a sound house."""

    def __init__(self, stage: Stage, sight: Sight) -> None:
        super().__init__()
        self._stage, self._sight = stage, sight
        #: what was there after one request is there before the next
        self._traces: dict[Row | None, tuple[Any, ...]] = {}

    def ask(self, caller: Any, method: str, path: str, expected: int, row: Row | None, **sent: Any) -> Any:
        """One request; what it may not change is compared before and after."""
        changes = expected == 200 and method != "GET"
        if not changes and row not in self._traces:
            self._traces[row] = self._stage.trace(row)
        answer = caller.call(method, path, headers=_PLAIN if expected == 200 else _BRIEF, **sent)
        told = f"{'panel' if caller is self._stage.panel else 'API'} {method} {path} of {row}"
        if not agrees(expected, answer.status_code):
            self.append(f"{told}: {answer.status_code} in place of {expected}")
        if changes:
            self._traces.clear()
        elif (after := self._stage.trace(row)) != self._traces[row]:
            self.append(f"{told}: changed the database")
            self._traces = {row: after}
        if caller is self._stage.panel and answer.status_code == 200:
            self.extend(f"{told}: a link to {one}" for one in self._stage.hidden_links(answer.text, self._sight))
        return answer

    def post(self, path: str, expected: int, row: Row | None, **data: Any) -> Any:
        """A form of the panel."""
        panel = self._stage.panel
        return self.ask(panel, "POST", path, expected, row, data={"csrf_token": panel.token, **data})
