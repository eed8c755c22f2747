"""`/api/roles` with what they grant, `/api/permissions`, `/api/teams` with their members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope, system
from crm.db import Database
from crm.models import AuditEntry, Role
from tests.clients import Caller
from tests.installed import check_error

AddUser = Callable[..., int]
SignIn = Callable[..., Caller]


@pytest.fixture
def root(sign_in: SignIn, installed: Database) -> Caller:
    return sign_in("admin", "admin123")


def _role(root: Caller, name: str) -> dict[str, Any]:
    (found,) = root.data(f"/roles?name={name}")["list"]
    return dict(found)


def _grants(role: dict[str, Any]) -> dict[str, str]:
    return {grant["name"]: grant["scope"] for grant in role["permissions"]}


def test_a_role_is_written_and_read_with_what_it_grants(root: Caller) -> None:
    view = root.data("/permissions?name=view_contacts")["list"][0]
    sent = [{"permissionId": view["id"], "scope": "team"}, {"name": "create_contact", "scope": "own"}]
    answer = root.post("/roles", {"name": "support", "description": "Help desk", "permissions": sent})
    made = answer.json()["data"]
    assert answer.json()["message"] == "Role created successfully"
    assert _grants(made) == {"view_contacts": "team", "create_contact": "own"}
    assert {frozenset(grant) for grant in made["permissions"]} == {frozenset({"permissionId", "name", "scope"})}
    assert root.data(f"/roles/{made['id']}") == made == _role(root, "support")
    assert answer.headers["location"] == f"/api/roles/{made['id']}"


def test_what_was_read_can_be_written_back(root: Caller) -> None:
    role = _role(root, "sales")
    answer = root.put(f"/roles/{role['id']}", {"permissions": role["permissions"]})
    assert answer.json()["message"] == "Role updated successfully"
    assert answer.json()["data"]["permissions"] == role["permissions"]
    assert answer.json()["data"]["version"] == role["version"]


def test_changing_a_grant_acts_on_the_next_request_and_is_audited(
    root: Caller, add_user: AddUser, sign_in: SignIn, installed: Database
) -> None:
    add_user("eve", "user")
    eve, role = sign_in("eve"), _role(root, "user")
    assert eve.get("/users").status_code == 200
    left = [grant for grant in role["permissions"] if grant["name"] != "view_users"]
    changed = root.put(f"/roles/{role['id']}", {"permissions": left}).json()["data"]
    check_error(eve.get("/users"), 403, "Forbidden")
    assert changed["version"] > role["version"]
    with installed.read_only(system("test")) as session:
        mine = select(AuditEntry).where(AuditEntry.entity == "role", AuditEntry.record_id == role["id"])
        entry = session.scalars(mine.order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    before, after = entry.changes["permissions"]
    assert set(before) - set(after) == {"view_users: all"}
    assert entry.actor_id == root.user_id


@pytest.mark.parametrize(
    ("permissions", "message"),
    [
        ([{"name": "fly"}], "permissions: Permission fly not found"),
        ([{"permissionId": 999_999}], "permissions: Permission 999999 not found"),
        ([{"scope": "all"}], "permissions: each needs permissionId or name"),
        ([{"name": "view_contacts", "permissionId": 999_999}], "permissions: Permission view_contacts not found"),
        ([{"name": "view_contacts", "scope": "galaxy"}], "permissions.0.scope: must be one of: 'own', 'team' or 'all'"),
        ([{"name": "view_contacts", "reach": "all"}], "permissions.0.reach: is not a known field"),
    ],
)
def test_wrong_grants_are_refused(root: Caller, permissions: Any, message: str) -> None:
    answer = root.post("/roles", {"name": "support", "permissions": permissions})
    assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert root.data("/roles?name=support")["list"] == []


@pytest.mark.parametrize("name", ["admin", "user"])
def test_a_role_the_program_needs_can_neither_go_nor_be_renamed_nor_be_doubled(root: Caller, name: str) -> None:
    role = _role(root, name)
    check_error(root.delete(f"/roles/{role['id']}"), 409, f"The role {name} cannot be deleted")
    check_error(root.put(f"/roles/{role['id']}", {"name": "boss"}), 409, f"The role {name} cannot be renamed")
    check_error(root.post("/roles", {"name": name}), 400, "Role name already exists")
    assert root.put(f"/roles/{role['id']}", {"name": name, "description": "Ours"}).status_code == 200


def test_the_role_admin_keeps_every_permission(root: Caller) -> None:
    path, held = f"/roles/{_role(root, 'admin')['id']}", _role(root, "admin")["permissions"]
    sent = [{"permissionId": grant["permissionId"], "scope": grant["scope"]} for grant in held]
    for fewer in ([], sent[1:], [{**sent[0], "scope": "own"}, *sent[1:]]):
        check_error(root.put(path, {"permissions": fewer}), 409, "The role admin keeps every permission")
    assert root.put(path, {"permissions": sent}).status_code == 200
    assert _role(root, "admin")["permissions"] == held


def test_roles_need_manage_roles(caller: Callable[..., Caller], installed: Database) -> None:
    stranger = caller(view_users=Scope.ALL)
    for method, path in (("GET", "/roles"), ("POST", "/roles"), ("GET", "/permissions"), ("DELETE", "/roles/1")):
        check_error(stranger.call(method, path, json={"name": "x"}), 403, "Forbidden")


def test_who_manages_roles_grants_no_more_than_they_have(caller: Callable[..., Caller], root: Caller) -> None:
    keeper = caller(manage_roles=Scope.ALL, view_contacts=Scope.TEAM)
    own = [{"name": "view_contacts", "scope": "own"}]
    made = keeper.post("/roles", {"name": "support", "permissions": own}).json()["data"]
    wider: list[list[dict[str, Any]]] = [
        [{"name": "view_contacts", "scope": "all"}],
        [{"name": "delete_user", "scope": "own"}],
        [*own, {"name": "view_customers"}],
    ]
    for sent in wider:
        check_error(keeper.put(f"/roles/{made['id']}", {"permissions": sent}), 403, "Forbidden")
        check_error(keeper.post("/roles", {"name": "other", "permissions": sent}), 403, "Forbidden")
    sales = _role(root, "sales")
    check_error(keeper.put(f"/roles/{sales['id']}", {"permissions": []}), 403, "Forbidden")
    check_error(keeper.delete(f"/roles/{sales['id']}"), 403, "Forbidden")
    assert root.data("/roles?name=other")["list"] == []


def test_nobody_becomes_administrator_by_renaming_a_role(caller: Callable[..., Caller], root: Caller) -> None:
    keeper = caller(manage_roles=Scope.ALL)
    made = keeper.post("/roles", {"name": "support"}).json()["data"]
    assert keeper.put(f"/roles/{made['id']}", {"name": "admin"}).status_code in (400, 403)
    assert keeper.put(f"/roles/{_role(root, 'admin')['id']}", {"permissions": []}).status_code == 403


def test_permissions_are_read_only(root: Caller) -> None:
    found = root.data("/permissions?pageSize=200")
    assert {"name", "action", "resource"} <= set(found["list"][0])
    assert root.post("/permissions", {"name": "fly"}).status_code == 405
    assert root.data("/permissions?name=manage_categories")["list"][0]["resource"] == "categories"


# ---------------------------------------------------------------------------------------------- teams


def _team(root: Caller, name: str, **more: Any) -> dict[str, Any]:
    answer = root.post("/teams", {"name": name, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


def test_a_team_has_members(root: Caller, add_user: AddUser) -> None:
    eve, bob = add_user("eve"), add_user("bob")
    team = _team(root, "East", memberIds=[eve, bob])
    assert team["memberIds"] == [eve, bob]
    answer = root.put(f"/teams/{team['id']}", {"memberIds": [bob]})
    assert answer.json()["data"]["memberIds"] == [bob]
    assert root.data(f"/teams/{team['id']}")["memberIds"] == [bob]
    assert root.get(f"/users/{eve}?fields=teamIds").json()["teamIds"] == []
    root.put(f"/users/{eve}", {"teamIds": [team["id"]]})
    assert root.data(f"/teams/{team['id']}")["memberIds"] == [eve, bob]


def test_teams_form_no_circle(root: Caller) -> None:
    top = _team(root, "Company")
    middle = _team(root, "East", parentId=top["id"])
    low = _team(root, "Shanghai", parentId=middle["id"])
    for parent in (top, middle, low):
        answer = root.put(f"/teams/{top['id']}", {"parentId": parent["id"]})
        assert (answer.status_code, answer.json()["message"]) == (400, "parentId: a team cannot be below itself")
    assert root.put(f"/teams/{low['id']}", {"parentId": top["id"]}).status_code == 200


def test_joining_a_team_acts_on_the_next_request(root: Caller, caller: Callable[..., Caller]) -> None:
    mine = _team(root, "East")
    reader = caller(view_contacts=Scope.TEAM)
    contact = root.post("/contacts", {"name": "Ada", "teamId": mine["id"]}).json()["data"]
    assert reader.get(f"/contacts/{contact['id']}").status_code == 404
    root.put(f"/teams/{mine['id']}", {"memberIds": [reader.user_id]})
    assert reader.get(f"/contacts/{contact['id']}").status_code == 200


def test_nobody_reaches_further_by_way_of_teams(root: Caller, caller: Callable[..., Caller]) -> None:
    foreign = _team(root, "West")
    keeper = caller(view_teams=Scope.ALL, update_team=Scope.ALL, view_users=Scope.ALL, update_user=Scope.ALL)
    me = keeper.user_id
    for change in ({"memberIds": [me]}, {"leadId": me}):
        check_error(keeper.put(f"/teams/{foreign['id']}", change), 403, "Forbidden")
    check_error(keeper.put(f"/users/{me}", {"teamIds": [foreign["id"]]}), 403, "Forbidden")
    assert keeper.put(f"/teams/{foreign['id']}", {"name": "Far west"}).status_code == 200
    with_team = _team(root, "Mine", memberIds=[me])
    check_error(keeper.put(f"/teams/{foreign['id']}", {"parentId": with_team["id"]}), 403, "Forbidden")


def test_deleting_a_role_takes_its_rights_away(
    root: Caller, add_user: AddUser, sign_in: SignIn, installed: Database
) -> None:
    add_user("eve", "sales")
    eve = sign_in("eve")
    assert eve.get("/users").status_code == 200
    assert root.delete(f"/roles/{_role(root, 'sales')['id']}").status_code == 200
    check_error(eve.get("/users"), 403, "Forbidden")
    with installed.read_only(system("test")) as session:
        assert session.scalar(select(Role.id).where(Role.name == "sales")) is None
