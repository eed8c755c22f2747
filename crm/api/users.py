"""`/api/users`: document 004's five endpoints, with its bare bodies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from pydantic import create_model
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm import access
from crm.api import query
from crm.api.call import Call
from crm.api.conditions import expected_version, tag
from crm.api.credentials import Secret
from crm.api.envelope import Answer, bare
from crm.api.json_schema import COUNT, FLAG, INSTANT, NUMBER, TEXT, many, record
from crm.api.openapi_records import ONCE, list_parameters, shape_parameters
from crm.api.routing import Endpoint, Method, Parameter
from crm.api.written import record_data
from crm.entity import permission
from crm.errors import NotFound, invalid
from crm.models.role import Role
from crm.models.user import User, user_role
from crm.schemas import Input, read, schema_of
from crm.services import passwords, users

LIMIT = 10
KEYS = ("id", "username", "email", "status", "createdAt", "updatedAt")
ROLE = record(id=NUMBER, name=TEXT, description=TEXT)
USER = record(id=NUMBER, username=TEXT, email=TEXT, status=FLAG, createdAt=INSTANT, updatedAt=INSTANT, Roles=many(ROLE))
#: with `fields=`, the fields asked for
SOME = {"anyOf": [USER, {"type": "object", "required": ["id"]}]}
PAGE = record(total=COUNT, pages=COUNT, currentPage=COUNT, data=many(SOME))

Create: type[Input] = create_model("UserCreateWithPassword", __base__=schema_of(User, "create"), password=(Secret, ...))
Update: type[Input] = create_model(
    "UserUpdateWithPassword", __base__=schema_of(User, "update"), password=(Secret, None)
)


_NOT_HERE = ("cursor", "include")


def routes() -> list[Endpoint]:
    known: dict[str, Any] = {"tag": "Users", "bare": True}
    limit = Parameter("limit", "Users on a page.", {"type": "integer", "minimum": 1, "maximum": 200, "default": LIMIT})
    left_out = ("pageSize", *_NOT_HERE)
    asked = (limit, *(p for p in list_parameters(User) if p.name not in left_out))
    change: dict[str, Any] = {"summary": "Change the fields of a user that are sent.", "body": Update, "data": USER}
    change |= {"errors": (400, 401, 403, 404, 409, 412, 413, 415), **known}
    one = {
        "GET": _may(
            *("view", get),
            summary="Get one user.",
            parameters=tuple(p for p in shape_parameters(User) if p.name not in _NOT_HERE),
            data=SOME,
            errors=(400, 401, 403, 404),
            **known,
        ),
        "PUT": _may("update", update, operation_id="updateUser", **change),
        "PATCH": _may("update", update, operation_id="changeUser", **change),
        "DELETE": _may(
            *("delete", delete),
            summary="Delete a user: move it to the trash.",
            data=record(message=TEXT),
            errors=(401, 403, 404, 409, 412),
            **known,
        ),
    }
    everyone = {
        "GET": _may(
            "view", listing, summary="List users.", parameters=asked, data=PAGE, errors=(400, 401, 403), **known
        ),
        "POST": _may(
            *("create", create),
            summary="Create a user.",
            parameters=(ONCE,),
            body=Create,
            data=USER,
            errors=(400, 401, 403, 409, 413, 415, 429),
            **known,
        ),
    }
    return [Endpoint("/users", everyone), Endpoint("/users/{id}", one)]


def _may(verb: str, run: Any, **described: Any) -> Method:
    return Method(run, permission(User, verb) or "", **described)


# ---------------------------------------------------------------------------------------------- reads


async def listing(call: Call) -> Answer:
    assert call.caller is not None
    asked = call.context.queries.parse(User, _translated(call.query))
    found = await call.context.reads.many(call.caller, User, asked)
    rows = found.records()
    pages = -(-found.total // asked.page_size)
    shown = rows if asked.shape.fields else await _with_roles(call, rows)
    return bare({"total": found.total, "pages": pages, "currentPage": asked.page, "data": shown})


def _translated(text: str) -> str:
    """Document 004 calls the page's size `limit`, and ten the default."""
    given = query.pairs(text)
    for name in ("pageSize", *_NOT_HERE):
        if name in given:
            raise invalid(name, "is not a known parameter")
    limit = query.whole("limit", given.pop("limit", str(LIMIT)), query.LARGEST_PAGE)
    return urlencode({**given, "pageSize": limit})


async def get(call: Call) -> Answer:
    assert call.caller is not None
    shape = call.context.queries.parse(User, call.query, many=False).shape
    if shape.include:
        raise invalid("include", "is not a known parameter")
    row = await call.context.reads.one(call.caller, User, call.number("id", "User"), shape.versioned())
    if row is None:
        raise NotFound("User not found")
    headers = [tag(row["version"])]
    if not shape.fields:
        return bare((await _with_roles(call, [row]))[0], headers=headers)
    return bare({name: row[name] for name in row if name != "version" or name in shape.fields}, headers=headers)


async def _with_roles(call: Call, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As document 004 shows users; other fields are had by `fields=`."""
    roles = await call.read(_roles_of, [row["id"] for row in rows])
    return [_shown(row, roles) for row in rows]


def _roles_of(session: Session, keys: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """user number → their live roles; one select."""
    held = (
        select(user_role.c.user_id, Role.id, Role.name, Role.description)
        .join(Role, Role.id == user_role.c.role_id)
        .where(user_role.c.user_id.in_(list(keys)))
        .order_by(Role.id)
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for user_id, key, name, description in session.execute(held):
        found.setdefault(user_id, []).append({"id": key, "name": name, "description": description})
    return found


def _shown(row: dict[str, Any], roles: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    return {**{key: row[key] for key in KEYS}, "Roles": roles.get(row["id"], [])}


# ---------------------------------------------------------------------------------------------- writes


async def create(call: Call) -> Answer:
    values = read(Create, await call.json())
    password, settings = values.pop("password"), call.context.settings
    passwords.check(settings, password, about=(values["username"], values["email"]))
    password_hash = await passwords.hash_async(password, settings.bcrypt_cost)

    def work(session: Session) -> Answer:
        user = users.create(session, values, password_hash=password_hash)
        return _answer(session, user, place=True)

    return await call.write(work)


async def update(call: Call) -> Answer:
    key, expected = call.number("id", "User"), expected_version(call.header(b"if-match"))
    values = read(Update, await call.json())
    password, settings = values.pop("password", None), call.context.settings
    password_hash = None
    if password is not None:
        passwords.check(settings, password)
        password_hash = await passwords.hash_async(password, settings.bcrypt_cost)

    def work(session: Session) -> Answer:
        user = access.find(session, User, key, lock=True)
        if password is not None:
            passwords.check(settings, password, about=(user.username, user.email))
        users.update(session, user, values, password_hash=password_hash, expected_version=expected)
        return _answer(session, user)

    return await call.write(work)


async def delete(call: Call) -> Answer:
    key, expected = call.number("id", "User"), expected_version(call.header(b"if-match"))

    def work(session: Session) -> Answer:
        users.delete(session, access.find(session, User, key, lock=True), expected_version=expected)
        return bare({"message": "User deleted successfully"})

    return await call.write(work)


def _answer(session: Session, user: User, *, place: bool = False) -> Answer:
    row = record_data(session, user)
    headers = [tag(user.version)]
    if place:
        headers.append((b"location", f"/api/users/{user.id}".encode()))
    return bare(_shown(row, _roles_of(session, [user.id])), headers=headers)
