"""Taking something out of the trash gives nobody rights they could not give."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import Actor, Scope, system
from crm.db import Database
from crm.errors import Forbidden
from crm.models import Role, Team, User
from crm.models.permission import Permission
from crm.models.role import RolePermission
from crm.services import records
from tests import factories

TEST = system("test")
ANY: dict[str, Any] = {"trash": "any"}


def _role(database: Database, scope: Scope) -> int:
    """A role in the trash that lets contacts be seen."""
    with database.transaction(TEST) as session:
        seeing = Permission(name="view_contacts", action="view", resource="contacts")
        role = Role(name="seeing", grants=[RolePermission(permission=seeing, scope=scope)])
        session.add(role)
        session.flush()
        records.delete(session, role)
        return role.id


def _clerk(database: Database, scope: Scope) -> Actor:
    with database.transaction(TEST) as session:
        user_id = factories.user(session).id
    return Actor(user_id, "clerk", {"manage_roles": Scope.ALL, "view_contacts": scope})


@pytest.mark.parametrize(("mine", "allowed"), [(Scope.ALL, True), (Scope.TEAM, True), (Scope.OWN, False)])
def test_a_role_comes_back_only_by_those_who_have_what_it_grants(database: Any, mine: Scope, allowed: bool) -> None:
    key, clerk = _role(database, Scope.TEAM), _clerk(database, mine)
    with database.transaction(clerk) as session:
        role = session.get_one(Role, key, execution_options=ANY)
        if allowed:
            records.restore(session, role)
        else:
            with pytest.raises(Forbidden):
                records.restore(session, role)


def test_an_administrator_comes_back_only_by_administrators(database: Database) -> None:
    with database.transaction(TEST) as session:
        factories.user(session, admin=True)
        key = factories.user(session, admin=True).id
        records.delete(session, session.get_one(User, key))
        clerk = Actor(factories.user(session).id, "clerk", dict.fromkeys(("view_users", "delete_user"), Scope.ALL))
    with database.transaction(clerk) as session, pytest.raises(Forbidden):
        records.restore(session, session.get_one(User, key, execution_options=ANY))


def test_a_team_does_not_come_back_by_its_own_members(database: Database) -> None:
    with database.transaction(TEST) as session:
        team = factories.make(Team, session)
        user_id, other = factories.user(session, team=team).id, factories.user(session).id
        records.delete(session, team)
        key = team.id
    grants = dict.fromkeys(("view_teams", "delete_team"), Scope.ALL)
    with database.transaction(Actor(user_id, "member", grants)) as session, pytest.raises(Forbidden):
        records.restore(session, session.get_one(Team, key, execution_options=ANY))
    with database.transaction(Actor(other, "other", grants)) as session:
        records.restore(session, session.get_one(Team, key, execution_options=ANY))
