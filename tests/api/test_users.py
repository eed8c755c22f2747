"""`/api/users` to the letter of document 004, and what takes effect at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crm.db import Database
from tests.api.user_samples import EVE, AddUser, RoleId, SignIn
from tests.clients import Caller
from tests.installed import PASSWORD, check_error, login

SHOWN = {"id", "username", "email", "status", "createdAt", "updatedAt", "Roles"}


# ---------------------------------------------------------------------------------------------- the document


def test_creating_a_user_answers_it_bare_with_its_roles(root: Caller, role_id: RoleId, sign_in: SignIn) -> None:
    answer = root.post("/users", {**EVE, "roleIds": [role_id("user"), role_id("sales")]})
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == SHOWN
    assert (body["username"], body["email"], body["status"]) == ("eve", "eve@example.com", True)
    assert [set(role) for role in body["Roles"]] == [{"id", "name", "description"}] * 2
    assert {role["name"] for role in body["Roles"]} == {"user", "sales"}
    assert body["createdAt"].endswith("Z")
    assert answer.headers["location"] == f"/api/users/{body['id']}"
    assert root.get(f"/users/{body['id']}").json() == body
    assert sign_in("eve").get("/auth/me").status_code == 200


def test_listing_users_answers_the_documents_shape(root: Caller, add_user: AddUser) -> None:
    for number in range(11):
        add_user(f"person{number}", "user")
    body = root.get("/users").json()
    assert set(body) == {"total", "pages", "currentPage", "data"}
    assert (body["total"], body["pages"], body["currentPage"], len(body["data"])) == (12, 2, 1, 10)
    assert {frozenset(user) for user in body["data"]} == {frozenset(SHOWN)}
    second = root.get("/users?page=2&limit=5").json()
    assert (second["pages"], second["currentPage"]) == (3, 2)
    assert [user["username"] for user in second["data"]] == [f"person{n}" for n in range(4, 9)]
    assert [role["name"] for role in second["data"][0]["Roles"]] == ["user"]
    assert root.get("/users?page=9").json()["data"] == []


def test_users_are_searched_by_name_and_address(root: Caller, add_user: AddUser) -> None:
    add_user("eve")
    add_user("王芳")
    assert [user["username"] for user in root.get("/users?search=eve").json()["data"]] == ["eve"]
    assert [user["username"] for user in root.get("/users", params={"search": "王芳"}).json()["data"]] == ["王芳"]
    assert root.get("/users?search=nobody").json() == {"total": 0, "pages": 0, "currentPage": 1, "data": []}


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        *(("limit=0", "limit"), ("limit=201", "limit"), ("limit=0000000011", "limit"), ("limit=000000001999", "limit")),
        *(("page=x", "page"), ("size=3", "size")),
    ],
)
def test_a_wrong_parameter_is_named(root: Caller, asked: str, name: str) -> None:
    answer = root.get(f"/users?{asked}")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(name)


def test_other_fields_are_had_by_name(root: Caller) -> None:
    body = root.get(f"/users/{root.user_id}?fields=name,teamIds,locale").json()
    assert body == {"id": root.user_id, "name": "", "teamIds": [], "locale": "en"}


def test_updating_a_user_changes_what_is_sent(root: Caller, role_id: RoleId, add_user: AddUser) -> None:
    number = add_user("eve", "user")
    sent = {"username": "eva", "email": "eva@example.com", "status": True, "roleIds": [role_id("sales")]}
    body = root.put(f"/users/{number}", sent).json()
    assert set(body) == SHOWN
    assert (body["username"], body["email"]) == ("eva", "eva@example.com")
    assert [role["name"] for role in body["Roles"]] == ["sales"]
    assert root.get(f"/users/{number}").json() == body


def test_an_administrator_sets_a_password_which_voids_the_users_tokens(
    root: Caller, add_user: AddUser, sign_in: SignIn, anybody: Caller
) -> None:
    number = add_user("eve", "user")
    eve = sign_in("eve")
    assert root.put(f"/users/{number}", {"password": "given by hand 1"}).status_code == 200
    check_error(eve.get("/auth/me"), 401, "Invalid or expired token")
    assert login(anybody, "eve", "given by hand 1").status_code == 200
    assert root.put(f"/users/{number}", {"password": "short"}).status_code == 400


def test_deleting_a_user_says_so_and_voids_the_tokens(
    root: Caller, add_user: AddUser, sign_in: SignIn, installed: Database, anybody: Caller
) -> None:
    number = add_user("eve", "user")
    eve, tokens = sign_in("eve"), login(anybody, "eve", PASSWORD).json()["data"]
    answer = root.delete(f"/users/{number}")
    assert (answer.status_code, answer.json()) == (200, {"message": "User deleted successfully"})
    check_error(eve.get("/auth/me"), 401, "Invalid or expired token")
    check_error(anybody.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}), 401, "Invalid refresh token")
    for again in (root.get(f"/users/{number}"), root.delete(f"/users/{number}"), root.put(f"/users/{number}", {})):
        check_error(again, 404, "User not found")
    assert root.post("/users", EVE).status_code == 200  # the name is free again


@pytest.mark.parametrize("path", ["/users/999999", "/users/0", "/users/x", "/users/99999999999999999999"])
def test_a_user_that_does_not_exist(root: Caller, path: str) -> None:
    check_error(root.get(path), 404, "User not found")
    check_error(root.put(path, {"username": "x"}), 404, "User not found")
    check_error(root.delete(path), 404, "User not found")


def test_a_name_that_is_taken(root: Caller, add_user: AddUser) -> None:
    number = add_user("eve")
    check_error(
        root.post("/users", {**EVE, "username": "Admin", "email": "x@example.com"}), 400, "Username already exists"
    )
    check_error(root.put(f"/users/{number}", {"username": "admin"}), 400, "Username already exists")
    check_error(root.post("/users", EVE), 400, "Username already exists")  # the address is taken as well
    check_error(root.post("/users", {**EVE, "username": "eve2"}), 400, "Email already exists")


def test_the_five_endpoints_need_a_token_and_their_permission(caller: Callable[..., Caller], anybody: Caller) -> None:
    stranger = caller()
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/users", EVE),
        ("GET", "/users", None),
        ("GET", f"/users/{stranger.user_id}", None),
        ("PUT", f"/users/{stranger.user_id}", {"email": "x@example.com"}),
        ("DELETE", f"/users/{stranger.user_id}", None),
    ]
    for method, path, body in calls:
        check_error(anybody.call(method, path, json=body), 401, "No token provided")
        wrong = Caller(anybody.client, "wrong", 0)
        check_error(wrong.call(method, path, json=body), 401, "Invalid or expired token")
        check_error(stranger.call(method, path, json=body), 403, "Forbidden")


def test_an_unknown_role_and_an_unknown_field_are_refused(root: Caller) -> None:
    assert root.post("/users", {**EVE, "roleIds": [999_999]}).json()["message"] == "roleIds: Role not found"
    assert root.post("/users", {**EVE, "passwordHash": "x"}).json()["message"] == "passwordHash: is not a known field"
    assert root.post("/users", {"username": "eve"}).json()["errors"] == [
        {"field": "email", "message": "is required"},
        {"field": "password", "message": "is required"},
    ]


def test_a_stale_etag_changes_nothing(root: Caller, add_user: AddUser) -> None:
    number = add_user("eve")
    seen = root.get(f"/users/{number}").headers["etag"]
    assert root.put(f"/users/{number}", {"name": "Eve"}, headers={"if-match": seen}).status_code == 200
    again = root.put(f"/users/{number}", {"name": "Eva"}, headers={"if-match": seen})
    assert again.status_code == 412
    assert root.get(f"/users/{number}?fields=name").json()["name"] == "Eve"


# ---------------------------------------------------------------------------------------------- at once (R5)


def test_disabling_a_user_acts_on_the_next_request_and_for_good(
    root: Caller, add_user: AddUser, sign_in: SignIn
) -> None:
    number = add_user("eve", "user")
    eve = sign_in("eve")
    assert eve.get("/users").status_code == 200
    root.put(f"/users/{number}", {"status": False})
    check_error(eve.get("/users"), 401, "Invalid or expired token")
    root.put(f"/users/{number}", {"status": True})
    check_error(eve.get("/users"), 401, "Invalid or expired token")


def test_taking_a_role_away_acts_on_the_next_request(root: Caller, add_user: AddUser, sign_in: SignIn) -> None:
    number = add_user("eve", "user")
    eve = sign_in("eve")
    assert eve.get("/users").status_code == 200
    root.put(f"/users/{number}", {"roleIds": []})
    check_error(eve.get("/users"), 403, "Forbidden")
