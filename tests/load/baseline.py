"""The measure: contacts over HTTP as one would write them by hand, with Starlette, asyncpg and orjson alone.

The same rows, shapes and token check as ours (a signature is verified once a token, its expiry each time, as ours
does), but no rights, no scope, no trash beyond `deleted_at IS NULL`, no audit, no version check, no logs.
Served by uvicorn: `uvicorn tests.load.baseline:app`; reads DATABASE_URL and JWT_SECRET.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg
import jwt
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm.search_text import index_text

#: JSON name → column, in the order of our answers
COLUMNS = {
    **{name: name for name in ("id", "name")},
    "jobTitle": "job_title",
    "department": "department",
    "customerId": "customer_id",
    "customerRole": "customer_role",
    **{name: name for name in ("email", "phone", "mobile", "wechat", "birthday")},
    "preferredLanguage": "preferred_language",
    "doNotContact": "do_not_contact",
    "notes": "notes",
    "ownerId": "owner_id",
    "teamId": "team_id",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "createdBy": "created_by",
    "version": "version",
}
SHOWN = ", ".join(f'{column} AS "{json}"' for json, column in COLUMNS.items()) + (
    ', ARRAY(SELECT contact_group_id FROM contact_group_member WHERE contact_id = contact.id ORDER BY 1) AS "groupIds"'
    ', ARRAY(SELECT tag_id FROM contact_tag WHERE contact_id = contact.id ORDER BY 1) AS "tagIds"'
)
LIVE = "FROM contact WHERE deleted_at IS NULL"
MATCHES = "array_to_tsvector(string_to_array(search_text, ' ')) @@ CAST($1 AS tsquery)"
ONE = f"SELECT {SHOWN} {LIVE} AND id = $1"
LIST = f"SELECT {SHOWN}, (SELECT count(*) {LIVE}) AS total {LIVE} ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2"
OF_CUSTOMER = (
    f"SELECT {SHOWN}, (SELECT count(*) {LIVE} AND customer_id = $1) AS total {LIVE} AND customer_id = $1 "
    "ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3"
)
SEARCH = (
    f"SELECT {SHOWN}, (SELECT count(*) {LIVE} AND {MATCHES}) AS total {LIVE} AND {MATCHES} "
    "ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3"
)
TEXTS = ("name", "jobTitle", "department", "email", "phone", "mobile", "wechat", "preferredLanguage", "notes")
SEARCHED = ("name", "email", "phone", "mobile", "wechat", "jobTitle")
CREATE = (
    "INSERT INTO contact (name, job_title, department, email, phone, mobile, wechat, preferred_language, notes, "
    "birthday, customer_id, do_not_contact, owner_id, created_by, search_text, created_at, updated_at, version) VALUES "
    f"($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, now(), now(), 1) RETURNING {SHOWN}"
)
CHANGEABLE = {"department": "department", "notes": "notes", "jobTitle": "job_title"}
KEY = os.environ.get("JWT_SECRET", "")

database: asyncpg.Pool
claims_of: dict[str, dict[str, Any]] = {}


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message


def caller(request: Request) -> int:
    """The number of the user whose token the request carries."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    claims = claims_of.get(token)
    if claims is None:
        try:
            claims = jwt.decode(token, KEY, algorithms=["HS256"], issuer="crm", audience="crm-api")
        except jwt.PyJWTError:
            raise Refused(401, "Invalid or expired token") from None
        claims_of[token] = claims
    if scheme != "Bearer" or claims["exp"] <= time.time():
        raise Refused(401, "Invalid or expired token")
    return int(claims["sub"])


def answer(data: Any, message: str = "Success", status: int = 200) -> Response:
    body = orjson.dumps({"code": status, "message": message, "data": data}, option=orjson.OPT_UTC_Z)
    return Response(body, status, media_type="application/json")


async def refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return answer(None, error.message, error.status)


async def one(request: Request) -> Response:
    caller(request)
    row = await database.fetchrow(ONE, int(request.path_params["id"]))
    if row is None:
        raise Refused(404, "Contact not found")
    return answer(dict(row))


async def many(request: Request) -> Response:
    caller(request)
    asked = request.query_params
    page, size = int(asked.get("page", 1)), min(int(asked.get("pageSize", 20)), 200)
    if "search" in asked:
        query = " & ".join(f"'{word}':*" for word in asked["search"].lower().split())
        rows = await database.fetch(SEARCH, query, size, (page - 1) * size)
    elif "customerId" in asked:
        rows = await database.fetch(OF_CUSTOMER, int(asked["customerId"]), size, (page - 1) * size)
    else:
        rows = await database.fetch(LIST, size, (page - 1) * size)
    records = [dict(row) for row in rows]
    total = max([record.pop("total") for record in records], default=0)
    paging = {"total": total, "current": page, "pageSize": size, "totalPages": -(-total // size)}
    return answer({"list": records, "pagination": paging})


async def create(request: Request) -> Response:
    user = caller(request)
    body = orjson.loads(await request.body())
    if not isinstance(body, dict) or not isinstance(body.get("name"), str) or not 0 < len(body["name"]) <= 120:
        raise Refused(400, "name is required")
    texts = [str(body.get(name, "")) for name in TEXTS]
    birthday = date.fromisoformat(body["birthday"]) if body.get("birthday") else None
    words = index_text(body.get(name) for name in SEARCHED)
    rest = (birthday, body.get("customerId"), bool(body.get("doNotContact")), user, words)
    row = await database.fetchrow(CREATE, *texts, *rest)
    return answer(dict(row), "Contact created successfully")


async def update(request: Request) -> Response:
    caller(request)
    body = orjson.loads(await request.body())
    if not isinstance(body, dict) or not body or any(name not in CHANGEABLE for name in body):
        raise Refused(400, "unknown field")
    changes = ", ".join(f"{CHANGEABLE[name]} = ${place}" for place, name in enumerate(body, 2))
    statement = f"UPDATE contact SET {changes}, updated_at = now(), version = version + 1 WHERE id = $1"
    row = await database.fetchrow(
        f"{statement} AND deleted_at IS NULL RETURNING {SHOWN}", int(request.path_params["id"]), *body.values()
    )
    if row is None:
        raise Refused(404, "Contact not found")
    return answer(dict(row), "Contact updated successfully")


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    global database
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10) as database:
        yield


app = Starlette(
    routes=[
        Route("/api/contacts", many, methods=["GET"]),
        Route("/api/contacts", create, methods=["POST"]),
        Route("/api/contacts/{id:int}", one, methods=["GET"]),
        Route("/api/contacts/{id:int}", update, methods=["PUT"]),
    ],
    exception_handlers={Refused: refuse},
    lifespan=lifespan,
)
