"""Nobody hands out rights they do not have, and one administrator stays (R19)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope, system
from crm.db import Database
from crm.models import Role, User
from crm.services import users
from tests.api.user_samples import EVE, AddUser, RoleId, SignIn
from tests.clients import Caller
from tests.installed import check_error


@pytest.fixture
def clerk(caller: Callable[..., Caller]) -> Caller:
    """Manages users, and is no administrator."""
    every = ("view_users", "create_user", "update_user", "delete_user")
    return caller(**dict.fromkeys(every, Scope.ALL), view_contacts=Scope.OWN)


def test_nobody_hands_out_rights_they_do_not_have(
    installed: Database, clerk: Caller, role_id: RoleId, add_user: AddUser
) -> None:
    number = add_user("eve")
    for role in ("admin", "manager", "sales"):
        check_error(clerk.post("/users", {**EVE, "username": "x", "roleIds": [role_id(role)]}), 403, "Forbidden")
        check_error(clerk.put(f"/users/{number}", {"roleIds": [role_id(role)]}), 403, "Forbidden")
        check_error(clerk.put(f"/users/{clerk.user_id}", {"roleIds": [role_id(role)]}), 403, "Forbidden")


def test_the_scope_counts_too(installed: Database, clerk: Caller, add_user: AddUser) -> None:
    number = add_user("eve")
    with installed.transaction(system("test")) as session:
        mine = session.get_one(User, clerk.user_id).roles[0].id
        wider = _role_with(session, "wider", "view_contacts", Scope.TEAM)
    check_error(clerk.put(f"/users/{number}", {"roleIds": [wider]}), 403, "Forbidden")
    assert clerk.put(f"/users/{number}", {"roleIds": [mine]}).status_code == 200


def _role_with(session: Any, name: str, permission: str, scope: Scope) -> int:
    from crm.models import Permission, RolePermission

    granted = session.scalars(select(Permission).where(Permission.name == permission)).one()
    role = Role(name=name, grants=[RolePermission(permission=granted, scope=scope)])
    session.add(role)
    session.flush()
    return role.id


def test_nobody_takes_over_an_account_that_may_do_more(installed: Database, clerk: Caller, add_user: AddUser) -> None:
    seller, plain = add_user("seller", "sales"), add_user("plain")
    changes: list[dict[str, Any]] = [{"password": "taken over 1"}, {"email": "mine@example.com"}]
    for change in [*changes, {"status": False}, {"roleIds": []}]:
        check_error(clerk.put(f"/users/{seller}", change), 403, "Forbidden")
    check_error(clerk.delete(f"/users/{seller}"), 403, "Forbidden")
    assert clerk.put(f"/users/{plain}", {"password": "set by clerk 1"}).status_code == 200
    assert clerk.put(f"/users/{clerk.user_id}", {"name": "The clerk"}).status_code == 200


@pytest.mark.parametrize("change", [{"status": False}, {"roleIds": []}])
def test_the_last_administrator_stays(root: Caller, add_user: AddUser, change: dict[str, Any]) -> None:
    check_error(root.put(f"/users/{root.user_id}", change), 409, users.LAST_ADMIN)
    check_error(root.delete(f"/users/{root.user_id}"), 409, users.LAST_ADMIN)
    second = add_user("second", "admin")
    assert root.put(f"/users/{second}", {"status": False}).status_code == 200  # one stays: root
    check_error(root.put(f"/users/{root.user_id}", change), 409, users.LAST_ADMIN)


def test_two_administrators_who_remove_each_other_at_once_leave_one(
    installed: Database, add_user: AddUser, sign_in: SignIn, root: Caller
) -> None:
    acts: list[Callable[[Caller, Caller], Any]] = [
        lambda a, b: a.put(f"/users/{b.user_id}", {"roleIds": []}),
        lambda a, b: a.put(f"/users/{b.user_id}", {"status": False}),
        lambda a, b: a.delete(f"/users/{b.user_id}"),
    ]
    last = root
    for number, act in enumerate(acts):
        add_user(f"first{number}", "admin")
        add_user(f"second{number}", "admin")
        one, other = sign_in(f"first{number}"), sign_in(f"second{number}")
        assert one.put(f"/users/{last.user_id}", {"roleIds": []}).status_code == 200
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(act, [one, other], [other, one]))
        assert [answer.status_code for answer in answers].count(200) == 1, [answer.text for answer in answers]
        with installed.read_only(system("test")) as session:
            left = session.scalars(select(User.id).where(User.status, User.roles.any(Role.name == "admin"))).all()
            assert len(left) == 1
        last = one if one.user_id == left[0] else other
