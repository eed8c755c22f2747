"""Registration, forgotten passwords, and changing one's own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.models import AdminSession, AuditEntry, EmailMessage, PasswordReset, User
from crm.services import sessions
from crm.settings import Settings
from tests.clients import Caller
from tests.installed import PASSWORD, check_error, login

AddUser = Callable[..., int]
SignIn = Callable[..., Caller]
NEW = "another passphrase 7"


# ---------------------------------------------------------------------------------------------- register


def test_a_registered_user_may_look_and_nothing_more(installed: Database, anybody: Caller, sign_in: SignIn) -> None:
    body = {"username": "eve", "email": "eve@example.com", "password": PASSWORD}
    answer = anybody.post("/auth/register", body)
    assert (answer.status_code, answer.json()["message"]) == (200, "User registered successfully")
    data = answer.json()["data"]
    assert answer.headers["location"] == f"/api/users/{data['id']}"
    assert [role["name"] for role in data["roles"]] == ["user"]
    granted = [p for p in data["roles"][0]["Permissions"] if "notification" not in p["name"]]  # these are one's own
    assert {permission["action"] for permission in granted} == {"view"}
    eve = sign_in("eve")
    assert eve.get("/users").status_code == 200
    check_error(eve.post("/users", {**body, "username": "eve2"}), 403, "Forbidden")
    for path in ("/audit", "/jobs", "/emails", "/roles"):
        check_error(eve.get(path), 403, "Forbidden")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"username": "ADMIN"}, "Username already exists"),
        ({"email": "Admin@example.com"}, "Email already exists"),
        ({"password": "short"}, "password: must have at least 6 characters"),
        ({"email": "nobody"}, "email: must be an e-mail address such as name@example.com"),
        ({"username": "admin@example.com"}, "username: may hold @ only if it is the user's own e-mail address"),
        ({"username": "a\tb"}, "username: must be text without control characters"),
        ({"roleIds": [1]}, "roleIds: is not a known field"),
    ],
)
def test_registration_refuses(installed: Database, anybody: Caller, change: dict[str, Any], message: str) -> None:
    body = {"username": "eve", "email": "eve@example.com", "password": PASSWORD, **change}
    answer = anybody.post("/auth/register", body)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_registration_can_be_closed(installed: Database, anybody: Caller, settings: Settings) -> None:
    settings.__dict__["registration_open"] = False  # frozen against accidents, not against tests
    body = {"username": "eve", "email": "eve@example.com", "password": PASSWORD}
    check_error(anybody.post("/auth/register", body), 403, "Registration is closed")


# ---------------------------------------------------------------------------------------------- forgotten


def _forgot(anybody: Caller, email: str) -> Any:
    return anybody.post("/auth/forgot-password", {"email": email})


def _mailed(database: Database) -> list[EmailMessage]:
    with database.read_only(system("test")) as session:
        return list(session.scalars(select(EmailMessage).order_by(EmailMessage.id)))


def _token(message: EmailMessage) -> str:
    (found,) = set(re.findall(r"[A-Za-z0-9_-]{43}", message.text_body))
    return str(found)


def _reset(anybody: Caller, token: str, password: str = NEW) -> Any:
    return anybody.post("/auth/reset-password", {"token": token, "password": password})


def test_forgot_password_answers_alike_and_mails_only_whom_it_knows(
    add_user: AddUser, installed: Database, anybody: Caller
) -> None:
    add_user("eve")
    known, unknown = _forgot(anybody, "EVE@example.com"), _forgot(anybody, "nobody@example.com")
    assert known.json() == unknown.json()
    assert (known.status_code, known.json()["data"]) == (200, None)
    (message,) = _mailed(installed)
    assert message.to_address == "eve@example.com"
    assert f"http://127.0.0.1:3001/admin/reset-password#{_token(message)}" in message.text_body


def test_the_link_never_follows_a_forged_host_header(add_user: AddUser, installed: Database, anybody: Caller) -> None:
    add_user("eve")
    evil = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    anybody.post("/auth/forgot-password", {"email": "eve@example.com"}, headers=evil)
    assert "evil" not in _mailed(installed)[0].text_body


def test_a_reset_token_works_once_and_ends_everything_before_it(
    add_user: AddUser, installed: Database, anybody: Caller, sign_in: SignIn
) -> None:
    add_user("eve", "user")
    before = login(anybody, "eve", PASSWORD).json()["data"]
    for _ in range(2):
        _forgot(anybody, "eve@example.com")
    first, second = map(_token, _mailed(installed))
    answer = _reset(anybody, second)
    assert answer.json() == {"code": 200, "message": "Password reset successfully", "data": None}
    for used in (first, second):
        check_error(_reset(anybody, used), 400, "Invalid or expired reset token")
    check_error(Caller(anybody.client, before["accessToken"], 0).get("/auth/me"), 401, "Invalid or expired token")
    sent = {"refreshToken": before["refreshToken"]}
    check_error(anybody.post("/auth/refresh", sent), 401, "Invalid refresh token")
    check_error(login(anybody, "eve", PASSWORD), 401, "Invalid password")
    assert sign_in("eve", NEW).get("/auth/me").status_code == 200


def test_of_parallel_uses_of_a_reset_token_one_succeeds(
    add_user: AddUser, installed: Database, anybody: Caller
) -> None:
    add_user("eve")
    _forgot(anybody, "eve@example.com")
    token = _token(_mailed(installed)[0])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: _reset(anybody, token, f"{NEW} {number}"), range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 11


def test_a_reset_token_lives_half_an_hour(add_user: AddUser, installed: Database, anybody: Caller) -> None:
    add_user("eve")
    _forgot(anybody, "eve@example.com")
    token = _token(_mailed(installed)[0])
    with time_machine.travel(now() + timedelta(minutes=31), tick=True):
        check_error(_reset(anybody, token), 400, "Invalid or expired reset token")
    assert _reset(anybody, token).status_code == 200


def test_a_weak_new_password_leaves_the_token_good(add_user: AddUser, installed: Database, anybody: Caller) -> None:
    add_user("eve")
    _forgot(anybody, "eve@example.com")
    token = _token(_mailed(installed)[0])
    assert _reset(anybody, token, "short").json()["message"] == "password: must have at least 6 characters"
    assert _reset(anybody, token).status_code == 200


def test_the_reset_token_is_stored_hashed_and_stands_in_no_log_and_no_audit(
    add_user: AddUser, installed: Database, anybody: Caller, capfd: pytest.CaptureFixture[str]
) -> None:
    add_user("eve")
    _forgot(anybody, "eve@example.com")
    token = _token(_mailed(installed)[0])
    _reset(anybody, token)
    with installed.read_only(system("test")) as session:
        stored = session.scalars(select(PasswordReset.token_hash)).one()
        written = json.dumps([entry.changes for entry in session.scalars(select(AuditEntry))])
    output = capfd.readouterr()
    assert token not in stored + written + output.out + output.err
    check_error(_reset(anybody, stored), 400, "Invalid or expired reset token")


def test_nobodys_inbox_is_flooded(add_user: AddUser, installed: Database, anybody: Caller) -> None:
    add_user("eve")
    for email in ("eve@example.com", "nobody@example.com"):
        answers = [_forgot(anybody, email).status_code for _ in range(8)]
        assert answers[:6] == [200] * 6
        assert answers[-1] == 429
    assert len(_mailed(installed)) == 6


# ---------------------------------------------------------------------------------------------- change


def test_changing_the_password_voids_every_token_and_session_and_answers_new_tokens(
    add_user: AddUser, installed: Database, anybody: Caller, sign_in: SignIn
) -> None:
    number = add_user("eve", "user")
    other = login(anybody, "eve", PASSWORD).json()["data"]
    with installed.transaction(system("test")) as session:
        cookie = sessions.open_session(session, session.get_one(User, number))
    eve = sign_in("eve")
    answer = eve.put("/auth/password", {"oldPassword": PASSWORD, "newPassword": NEW})
    assert (answer.status_code, answer.json()["message"]) == (200, "Password changed successfully")
    check_error(eve.get("/auth/me"), 401, "Invalid or expired token")
    check_error(anybody.post("/auth/refresh", {"refreshToken": other["refreshToken"]}), 401, "Invalid refresh token")
    with installed.read_only(system("test")) as session:
        assert session.scalar(select(AdminSession.id)) is not None
        assert sessions.find_session(session, cookie) is None
    pair = answer.json()["data"]
    assert Caller(anybody.client, pair["accessToken"], 0).get("/auth/me").status_code == 200
    assert anybody.post("/auth/refresh", {"refreshToken": pair["refreshToken"]}).status_code == 200
    check_error(login(anybody, "eve", PASSWORD), 401, "Invalid password")


def test_changing_the_password_needs_the_old_one_and_guesses_are_slowed_down(
    add_user: AddUser, installed: Database, sign_in: SignIn
) -> None:
    add_user("eve", "user")
    eve = sign_in("eve")
    wrong = {"oldPassword": "no idea", "newPassword": NEW}
    check_error(eve.put("/auth/password", wrong), 400, "Invalid password")
    assert [eve.put("/auth/password", wrong).status_code for _ in range(12)][-1] == 429


def test_the_audit_says_who_changed_the_password_and_not_what_it_is(
    add_user: AddUser, installed: Database, sign_in: SignIn
) -> None:
    number = add_user("eve", "user")
    sign_in("eve").put("/auth/password", {"oldPassword": PASSWORD, "newPassword": NEW})
    with installed.read_only(system("test")) as session:
        mine = select(AuditEntry).where(AuditEntry.entity == "user", AuditEntry.record_id == number)
        entry = session.scalars(mine.order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.actor_id, entry.action) == (number, "update")
    assert entry.changes["password_hash"] == ["***", "***"]
