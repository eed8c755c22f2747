"""Signing in and out: real passwords, sessions kept on the server, cookies that scripts cannot read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from crm.actor import Scope
from crm.columns import now
from crm.models import User
from crm.services import passwords, records, sessions, users
from tests.admin.conftest import SITE, Visitor

PASSWORD = "correct horse battery"


@pytest.fixture
def someone(as_system: Any) -> str:
    """The name of a user who can sign in."""
    with as_system() as session:
        hashed = passwords.hash_password(PASSWORD, 4)
        users.create(session, {"username": "mara", "email": "mara@example.com"}, password_hash=hashed)
    return "mara"


def _sign_in(client: TestClient, *, password: str = PASSWORD, following: str = "", **headers: str) -> Any:
    client.cookies.clear()
    page = client.get("/admin/login", params={"next": following} if following else {})
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    data = {"csrf_token": token[1], "username": "mara", "password": password, "next": following}
    sent = {"origin": SITE} | headers
    return client.post("/admin/login", data=data, headers=sent, follow_redirects=False)


def test_the_right_password_opens_a_session_in_a_cookie_no_script_can_read(client: TestClient, someone: str) -> None:
    answer = _sign_in(client)
    assert answer.status_code == 303
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("crm_session="))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert client.get("/admin/", follow_redirects=False).status_code == 200


def test_over_https_the_cookie_is_bound_to_the_host(client: TestClient, someone: str) -> None:
    client.base_url = "https://testserver"
    answer = _sign_in(client, origin="https://testserver")
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("__Host-crm="))
    assert "Secure" in cookie
    assert "Path=/;" in cookie


def test_a_wrong_password_opens_nothing_and_shows_a_sentence(client: TestClient, someone: str) -> None:
    answer = _sign_in(client, password="wrong")
    assert answer.status_code == 401
    assert "Invalid password" in answer.text
    assert not any("crm_session=" in c for c in answer.headers.get_list("set-cookie"))


def test_the_sign_in_form_needs_its_token_and_our_origin(client: TestClient, someone: str) -> None:
    data = {"username": "mara", "password": PASSWORD}
    assert client.post("/admin/login", data=data, headers={"origin": SITE}).status_code == 403
    assert _sign_in(client, origin="https://evil.example").status_code == 403


def test_every_sign_in_begins_a_new_session_and_ends_the_old(client: TestClient, visitor: Any, someone: str) -> None:
    old = visitor(view_contacts=Scope.OWN)
    page = old.get("/")
    assert page.status_code == 200
    data = {"csrf_token": old.token, "username": "mara", "password": PASSWORD}
    answer = old.call("POST", "/login", data=data)
    assert answer.status_code == 303
    assert old.cookie not in str(answer.headers)
    assert old.get("/").status_code == 303


def test_a_cookie_is_worth_nothing_after_signing_out(admin: Visitor) -> None:
    assert admin.get("/contact/list").status_code == 200
    assert admin.post("/logout").status_code == 303
    replayed = admin.get("/contact/list")
    assert replayed.status_code == 303
    assert replayed.headers["location"].startswith("/admin/login")


def test_a_link_cannot_sign_anybody_out(admin: Visitor) -> None:
    assert admin.get("/logout").status_code in (404, 405)
    assert admin.get("/contact/list").status_code == 200


@pytest.mark.parametrize("gone", [sessions.IDLE, sessions.ABSOLUTE], ids=["idle", "absolute"])
def test_a_session_ends_when_it_was_idle_or_is_old(admin: Visitor, as_system: Any, gone: Any) -> None:
    from crm.models import AdminSession

    with as_system() as session:
        row = session.query(AdminSession).filter_by(user_id=admin.user_id).one()
        if gone is sessions.IDLE:
            row.seen_at = now() - gone
        else:
            row.expires_at = now()
    assert admin.get("/contact/list").status_code == 303


def test_who_is_disabled_is_out_with_the_next_request(visitor: Any, as_system: Any) -> None:
    agent = visitor(view_contacts=Scope.ALL)
    assert agent.get("/contact/list").status_code == 200
    with as_system() as session:
        records.update(session, session.get(User, agent.user_id), {"status": False})
    assert agent.get("/contact/list").status_code == 303


def test_a_right_that_is_taken_away_is_gone_with_the_next_request(visitor: Any, as_system: Any) -> None:
    agent = visitor(view_contacts=Scope.ALL)
    with as_system() as session:
        records.update(session, session.get(User, agent.user_id), {"roles": []})
    assert agent.get("/contact/list").status_code == 403


@pytest.mark.parametrize(
    "following",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/api/users", "/admin//evil.example", "/admin/../x"],
)
def test_signing_in_never_leads_away_from_the_panel(client: TestClient, someone: str, following: str) -> None:
    assert _sign_in(client, following=following).headers["location"] == "/admin/"


def test_signing_in_leads_back_to_the_page_that_was_asked_for(
    client: TestClient, stranger: Visitor, someone: str
) -> None:
    sent_away = stranger.get("/contact/list?search=li").headers["location"]
    assert sent_away == "/admin/login?next=%2Fadmin%2Fcontact%2Flist%3Fsearch%3Dli"
    assert _sign_in(client, following="/admin/contact/list?search=li").headers["location"].endswith("?search=li")


def test_a_message_in_a_forged_cookie_is_not_shown(admin: Visitor) -> None:
    headers = {"cookie": f"crm_session={admin.cookie}; crm_flash=Your password has expired"}
    answer = admin.client.get("/admin/contact/list", headers=headers)
    assert answer.status_code == 200
    assert "expired" not in answer.text


def test_the_language_is_chosen_and_remembered(admin: Visitor) -> None:
    answer = admin.get("/language?to=zh", headers={"referer": f"{SITE}/admin/contact/list"})
    assert answer.headers["location"] == "/admin/contact/list"
    chosen = f"crm_session={admin.cookie}; crm_lang=zh"
    page = admin.client.get("/admin/contact/list", headers={"cookie": chosen}).text
    assert '<html lang="zh-CN"' in page
    assert "联系人" in page
    assert '<html lang="en"' in admin.get("/contact/list").text


def test_a_stranger_is_spoken_to_in_their_browsers_language(stranger: Visitor) -> None:
    assert '<html lang="zh-CN"' in stranger.get("/login", headers={"accept-language": "zh-CN,zh;q=0.9"}).text
