"""Passwords in the panel, and what roles grant."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from crm.actor import Scope
from crm.models import EmailMessage, Permission, Role, RolePermission, User
from crm.services import passwords, permissions
from tests import factories
from tests.admin.conftest import SITE, Visitor

NEW = "a fresh and long password"


def _password_of(as_system: Any, key: int, wanted: str) -> bool:
    with as_system() as session:
        return passwords.matches(wanted, session.get(User, key).password_hash)


def _twice(password: str = NEW, again: str = "", **more: str) -> dict[str, str]:
    return {"password": password, "password_again": again or password, **more}


def test_an_administrator_sets_a_password_and_the_user_is_signed_out(
    admin: Visitor, visitor: Any, as_system: Any
) -> None:
    other = visitor(view_contacts=Scope.OWN)
    assert f"/admin/user/password/{other.user_id}" in admin.page(f"/user/details/{other.user_id}")
    assert admin.get(f"/user/password/{other.user_id}").status_code == 200
    assert admin.post(f"/user/password/{other.user_id}", _twice()).status_code == 303
    assert _password_of(as_system, other.user_id, NEW)
    assert other.get("/contact/list").status_code == 303


@pytest.mark.parametrize("sent", [_twice("x"), _twice(NEW, "another one entirely"), {}])
def test_a_password_that_is_short_or_typed_differently_is_refused(admin: Visitor, as_system: Any, sent: Any) -> None:
    answer = admin.post(f"/user/password/{admin.user_id}", sent)
    assert answer.status_code == 400
    assert NEW not in answer.text
    assert not _password_of(as_system, admin.user_id, NEW)


def test_who_may_edit_users_takes_over_nobody_with_more_rights(admin: Visitor, visitor: Any, as_system: Any) -> None:
    clerk = visitor(view_users=Scope.ALL, update_user=Scope.ALL)
    assert clerk.post(f"/user/password/{admin.user_id}", _twice()).status_code == 403
    assert visitor(view_users=Scope.ALL).get(f"/user/password/{admin.user_id}").status_code == 403
    assert not _password_of(as_system, admin.user_id, NEW)


def test_everyone_changes_their_own_password_with_the_old_one(visitor: Any, as_system: Any) -> None:
    agent = visitor(view_contacts=Scope.OWN)
    with as_system() as session:
        session.get(User, agent.user_id).password_hash = passwords.hash_password("the old one", 4)
    agent = visitor(user_id=agent.user_id)
    assert agent.get("/password").status_code == 200
    assert agent.post("/password", _twice(old_password="wrong")).status_code == 400
    assert agent.post("/password", _twice(old_password="the old one")).status_code == 303
    assert _password_of(as_system, agent.user_id, NEW)


def test_a_forgotten_password_is_set_anew_by_the_mailed_link(client: TestClient, as_system: Any) -> None:
    with as_system() as session:
        user = factories.user(session)
        user_id, email = user.id, user.email
    for address in (email, "nobody@example.com"):
        assert "If the address is known" in _guest_post(client, "/forgot-password", {"email": address}).text
    with as_system() as session:
        (mail,) = session.query(EmailMessage).all()
        link = re.search(r"/admin/reset-password#(\S+)", mail.text_body)
        assert link is not None
    sent = _twice(token=link[1])
    assert _guest_post(client, "/reset-password", sent | {"password_again": "differs"}).status_code == 400
    assert _guest_post(client, "/reset-password", sent).status_code == 303
    assert _password_of(as_system, user_id, NEW)
    assert _guest_post(client, "/reset-password", sent).status_code == 400


def _guest_post(client: TestClient, path: str, data: dict[str, str]) -> Any:
    page = client.get(f"/admin{path}")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    sent = {"csrf_token": token[1], **data}
    return client.post(f"/admin{path}", data=sent, headers={"origin": SITE}, follow_redirects=False)


def test_the_matrix_of_a_role_grants_exactly_what_is_chosen(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        permissions.sync(session)
        key, version = (role := factories.make(Role, session)).id, role.version
    page = admin.page(f"/role/grants/{key}")
    assert 'name="grant-view_contacts"' in page
    sent = {"version": str(version), "grant-view_contacts": "team", "grant-manage_roles": "all", "grant-x": "all"}
    assert admin.post(f"/role/grants/{key}", sent).status_code == 303
    assert _granted(as_system, key) == {"view_contacts": Scope.TEAM, "manage_roles": Scope.ALL}
    stale = admin.post(f"/role/grants/{key}", {"version": str(version)})
    assert stale.status_code == 412
    assert len(_granted(as_system, key)) == 2


def test_nobody_grants_what_they_do_not_have(visitor: Any, as_system: Any) -> None:
    with as_system() as session:
        permissions.sync(session)
        key, version = (role := factories.make(Role, session)).id, role.version
    clerk = visitor(manage_roles=Scope.ALL, view_contacts=Scope.OWN)
    for grant, expected in (("all", 403), ("own", 303)):
        sent = {"version": str(version), "grant-view_contacts": grant}
        assert clerk.post(f"/role/grants/{key}", sent).status_code == expected
    assert visitor(view_contacts=Scope.OWN).get(f"/role/grants/{key}").status_code == 403


def _granted(as_system: Any, key: int) -> dict[str, Scope]:
    with as_system() as session:
        found = session.query(Permission.name, RolePermission.scope).join(RolePermission)
        return dict(found.filter(RolePermission.role_id == key).all())
