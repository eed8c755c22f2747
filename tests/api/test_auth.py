"""Signing in, renewing, signing out: document 004's bodies, messages and codes, and what the contract adds."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from sqlalchemy import func, select

from crm.actor import system
from crm.db import Database
from crm.models import RefreshToken, User
from crm.services import tokens
from crm.settings import Settings
from tests.clients import Caller
from tests.installed import PASSWORD, check_error, login

AddUser = Callable[..., int]
SignIn = Callable[..., Caller]


def _pair(answer: Any) -> tuple[str, str]:
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    return data["accessToken"], data["refreshToken"]


def _refresh(anybody: Caller, token: str) -> Any:
    return anybody.post("/auth/refresh", {"refreshToken": token})


# ---------------------------------------------------------------------------------------------- login


def test_login_answers_the_user_with_roles_and_permissions_and_two_tokens(installed: Database, anybody: Caller) -> None:
    answer = login(anybody, "admin", "admin123")
    body = answer.json()
    assert (answer.status_code, body["code"], body["message"]) == (200, 200, "Login successful")
    assert set(body["data"]) == {"user", "accessToken", "refreshToken"}
    user = body["data"]["user"]
    assert set(user) == {"id", "username", "email", "status", "roles"}
    assert (user["username"], user["status"]) == ("admin", True)
    (role,) = user["roles"]
    assert set(role) == {"id", "name", "description", "Permissions"}
    assert set(role["Permissions"][0]) == {"id", "name", "action", "resource"}
    names = {permission["name"] for permission in role["Permissions"]}
    assert names >= {"create_user", "view_users", "update_user", "delete_user", "manage_roles", "manage_categories"}


def test_login_takes_the_email_address_in_any_case(add_user: AddUser, anybody: Caller) -> None:
    add_user("eve")
    assert login(anybody, "EVE@Example.com", PASSWORD).status_code == 200
    assert login(anybody, " Eve ", PASSWORD).status_code == 200


def test_login_says_what_is_wrong(add_user: AddUser, anybody: Caller) -> None:
    add_user("eve")
    check_error(login(anybody, "nobody", PASSWORD), 401, "User not found")
    check_error(login(anybody, "eve", PASSWORD.upper()), 401, "Invalid password")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"username": "admin"}, "password: is required"),
        ({"password": "x"}, "username: is required"),
        ({"username": "admin", "password": 5}, "password: must be text"),
        ({"username": "a\u0000b", "password": "x"}, "username: must be text without control characters"),
        ({"username": "admin", "password": "x", "otp": 1}, "otp: is not a known field"),
    ],
)
def test_login_refuses_a_wrong_body(anybody: Caller, body: dict[str, Any], message: str) -> None:
    answer = anybody.post("/auth/login", body)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_a_disabled_or_deleted_user_cannot_sign_in(add_user: AddUser, anybody: Caller, sign_in: SignIn) -> None:
    eve, mallory, root = add_user("eve"), add_user("mallory"), sign_in("admin", "admin123")
    assert root.put(f"/users/{eve}", {"status": False}).status_code == 200
    assert root.delete(f"/users/{mallory}").status_code == 200
    check_error(login(anybody, "eve", PASSWORD), 401, "User not found")
    check_error(login(anybody, "mallory", PASSWORD), 401, "User not found")


def test_a_malformed_stored_hash_is_a_wrong_password(add_user: AddUser, installed: Database, anybody: Caller) -> None:
    number = add_user("eve")
    for stored in ("", "$2b$", "x" * 60, "$2b$04$tooshort", "密码"):
        with installed.transaction(system("test")) as session:
            session.get_one(User, number).password_hash = stored
        assert login(anybody, "eve", PASSWORD).status_code == 401


# ---------------------------------------------------------------------------------------------- who


def test_me_is_the_user_as_login_shows_it(add_user: AddUser, sign_in: SignIn, anybody: Caller) -> None:
    add_user("eve", "user", "sales")
    shown = login(anybody, "eve", PASSWORD).json()["data"]["user"]
    assert sign_in("eve").data("/auth/me") == shown
    assert [role["name"] for role in shown["roles"]] == ["user", "sales"]


def test_a_route_without_a_token_and_with_a_wrong_one(anybody: Caller) -> None:
    check_error(anybody.get("/auth/me"), 401, "No token provided")
    for sent in ("nonsense", "a.b.c", "x" * 20_000):
        bad = Caller(anybody.client, sent, 0)
        check_error(bad.get("/auth/me"), 401, "Invalid or expired token")


def test_tokens_that_are_not_quite_ours_are_refused(
    installed: Database, sign_in: SignIn, anybody: Caller, settings: Settings
) -> None:
    root = sign_in("admin", "admin123")
    good = jwt.decode(root.token, options={"verify_signature": False})
    key, moment = settings.signing_key, time.time()
    wrong: list[dict[str, Any]] = [{**good, name: None} for name in ("sub", "jti", "iat", "exp", "iss", "aud", "typ")]
    wrong += [{k: v for k, v in good.items() if k != name} for name in good]
    wrong += [{**good, **change} for change in _changes(moment)]
    for claims in wrong:
        sent = jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm="HS256")
        check_error(Caller(anybody.client, sent, 0).get("/auth/me"), 401, "Invalid or expired token")
    for algorithm, secret in (("none", None), ("HS512", key), ("HS256", key[:-1] + "?" * 32)):
        sent = jwt.encode(good, secret, algorithm=algorithm)
        check_error(Caller(anybody.client, sent, 0).get("/auth/me"), 401, "Invalid or expired token")


def _changes(moment: float) -> list[dict[str, Any]]:
    return [
        {"typ": "refresh"},
        {"iss": "somebody"},
        {"aud": "something"},
        {"exp": moment - 60},
        {"exp": "soon"},
        {"iat": moment + 3600},
        {"sub": "-1"},
        {"sub": "1e3"},
        {"sub": "9" * 30},
        {"jti": "x" * 400},
        {"jti": ""},
    ]


def test_a_refresh_token_is_no_access_token_and_the_other_way_round(installed: Database, anybody: Caller) -> None:
    access, refresh = _pair(login(anybody, "admin", "admin123"))
    check_error(Caller(anybody.client, refresh, 0).get("/auth/me"), 401, "Invalid or expired token")
    check_error(_refresh(anybody, access), 401, "Invalid refresh token")


def test_two_signing_keys_live_while_they_are_changed(settings: Settings) -> None:
    old = tokens.issue(settings, 7)
    changed = settings.model_copy(update={"jwt_secret": "n" * 40, "jwt_secret_previous": settings.jwt_secret})
    changed.__dict__.pop("signing_key", None)
    assert tokens.verify(changed, old).user_id == 7
    assert tokens.verify(changed, tokens.issue(changed, 8)).user_id == 8


# ---------------------------------------------------------------------------------------------- refresh


def test_refresh_answers_new_tokens(installed: Database, anybody: Caller) -> None:
    access, refresh = _pair(login(anybody, "admin", "admin123"))
    answer = _refresh(anybody, refresh)
    assert answer.json()["message"] == "Token refreshed successfully"
    new_access, new_refresh = _pair(answer)
    assert new_access != access
    assert new_refresh != refresh
    assert Caller(anybody.client, new_access, 0).get("/auth/me").status_code == 200


@pytest.mark.parametrize("body", [None, {}, {"refreshToken": ""}, {"refreshToken": None}])
@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
def test_refresh_and_logout_need_a_refresh_token(anybody: Caller, path: str, body: Any) -> None:
    check_error(anybody.post(path, body), 401, "No refresh token provided")


def test_an_unknown_refresh_token_is_refused(anybody: Caller) -> None:
    check_error(_refresh(anybody, "nonsense"), 401, "Invalid refresh token")
    assert _refresh(anybody, 5).status_code == 400  # type: ignore[arg-type]


def test_a_client_that_keeps_its_first_refresh_token_goes_on_working(installed: Database, anybody: Caller) -> None:
    _, first = _pair(login(anybody, "admin", "admin123"))
    assert all(_refresh(anybody, first).status_code == 200 for _ in range(4))


def test_a_rotated_token_dies_when_its_successor_is_used_and_using_it_again_ends_the_family(
    installed: Database, anybody: Caller
) -> None:
    _, first = _pair(login(anybody, "admin", "admin123"))
    _, second = _pair(_refresh(anybody, first))
    assert _pair(_refresh(anybody, first))[1] == second  # a lost answer is answered again
    _, third = _pair(_refresh(anybody, second))
    check_error(_refresh(anybody, first), 401, "Invalid refresh token")  # stolen, or kept by mistake
    for token in (second, third):
        check_error(_refresh(anybody, token), 401, "Invalid refresh token")


def test_parallel_refreshes_mint_one_successor_and_sign_nobody_out(installed: Database, anybody: Caller) -> None:
    _, token = _pair(login(anybody, "admin", "admin123"))
    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            minted = {_pair(answer)[1] for answer in pool.map(_refresh, [anybody] * 20, [token] * 20)}
        assert len(minted) == 1
        token = minted.pop()
    with installed.read_only(system("test")) as session:
        assert session.scalar(select(func.count(RefreshToken.id))) == 4


def test_refresh_tokens_are_stored_as_hashes_only(installed: Database, anybody: Caller) -> None:
    _, first = _pair(login(anybody, "admin", "admin123"))
    with installed.read_only(system("test")) as session:
        (stored,) = session.scalars(select(RefreshToken.token_hash))
    assert stored != first
    check_error(_refresh(anybody, stored), 401, "Invalid refresh token")


# ---------------------------------------------------------------------------------------------- logout


def test_logout_ends_the_refresh_token_and_the_access_token_sent_along(installed: Database, anybody: Caller) -> None:
    access, first = _pair(login(anybody, "admin", "admin123"))
    other, _ = _pair(_refresh(anybody, first))
    me = Caller(anybody.client, access, 0)
    answer = me.post("/auth/logout", {"refreshToken": first})
    assert answer.json() == {"code": 200, "message": "Logged out successfully", "data": None}
    check_error(_refresh(anybody, first), 401, "Invalid refresh token")
    check_error(me.get("/auth/me"), 401, "Invalid or expired token")
    assert Caller(anybody.client, other, 0).get("/auth/me").status_code == 200  # not sent: lives its 15 minutes


def test_logout_twice_or_without_access_token_is_no_error(installed: Database, anybody: Caller) -> None:
    _, first = _pair(login(anybody, "admin", "admin123"))
    for _ in range(2):
        assert anybody.post("/auth/logout", {"refreshToken": first}).status_code == 200
    assert Caller(anybody.client, "bad", 0).post("/auth/logout", {"refreshToken": first}).status_code == 200


def test_logout_leaves_other_sign_ins_alone(installed: Database, anybody: Caller) -> None:
    _, phone = _pair(login(anybody, "admin", "admin123"))
    _, desk = _pair(login(anybody, "admin", "admin123"))
    anybody.post("/auth/logout", {"refreshToken": phone})
    assert _refresh(anybody, desk).status_code == 200
