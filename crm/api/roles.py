"""`/api/roles`: the generated routes, with what each role grants (`permissions`) beside its own fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import orjson
from pydantic import Field, create_model
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm import access
from crm.actor import Scope
from crm.api import query
from crm.api.bulk import Rows
from crm.api.call import Call
from crm.api.conditions import expected_version
from crm.api.envelope import JSON_OPTIONS, Answer
from crm.api.json_schema import NUMBER, TEXT, many, record
from crm.api.openapi_records import bulk_data, record_schema
from crm.api.resources import Resource
from crm.api.routing import Endpoint, Method
from crm.entity import Operation
from crm.errors import invalid
from crm.exact import Whole
from crm.models.permission import Permission
from crm.models.role import Role
from crm.schemas import LARGEST_KEY, Input, Storable, read, schema_of
from crm.services import records, roles

GRANT = record(permissionId=NUMBER, name=TEXT, scope={"type": "string", "enum": [str(s) for s in Scope]})


class Grant(Input):
    """One grant: the permission by number or by name, and how far it reaches."""

    permission_id: Annotated[Whole | None, Field(alias="permissionId", ge=1, le=LARGEST_KEY)] = None
    name: Annotated[str, Field(max_length=80), Storable] | None = None
    scope: Scope = Scope.ALL


Sent = Annotated[list[Grant], Field(max_length=1000)]
Create: type[Input] = create_model("RoleWithPermissions", __base__=schema_of(Role, "create"), permissions=(Sent, []))
Update: type[Input] = create_model("RoleChange", __base__=schema_of(Role, "update"), permissions=(Sent, []))


def routes() -> list[Endpoint]:
    return Roles(Role).routes()


class Roles(Resource):
    """The generated routes, reading and writing `permissions` too."""

    def _method(self, action: str, run: Callable[..., Any], operation: Operation | None = None) -> Method:
        made = super()._method(action, run, operation)
        own = record_schema(self.model)
        shown = {**own, "properties": {**own["properties"], "permissions": many(GRANT)}}
        if action == "bulk":
            return replace(made, data=bulk_data(shown))
        if action == "list":
            page = {**made.data, "properties": {**made.data["properties"], "list": many(shown)}}
            return replace(made, data=page)
        if action in ("get", "create", "update", "change"):
            return replace(made, data=shown, body={"get": None, "create": Create}.get(action, Update))
        return made

    async def list(self, call: Call) -> Answer:
        return await _enriched(call, await super().list(call))

    async def get(self, call: Call) -> Answer:
        return await _enriched(call, await super().get(call))

    async def create(self, call: Call) -> Answer:
        values = read(Create, await call.json())
        sent = values.pop("permissions", [])

        def work(session: Session) -> Answer:
            role = records.create(session, Role, values)
            _grant(session, role, sent)
            place = (b"location", f"/api/roles/{role.id}".encode())
            return self.answer(session, role, "Role created successfully", [place])

        return await call.write(work)

    async def update(self, call: Call) -> Answer:
        key, expected = call.number("id", self.title), expected_version(call.header(b"if-match"))
        values = read(Update, await call.json())
        sent = values.pop("permissions", None)

        def work(session: Session) -> Answer:
            role = access.find(session, Role, key, lock=True)
            records.update(session, role, values, expected_version=expected)
            _grant(session, role, sent)
            return self.answer(session, role, "Role updated successfully")

        return await call.write(work)

    def tell(self, session: Session, rows: Rows) -> None:
        grants = _told(session, [row["id"] for row in rows])
        for row in rows:
            row["permissions"] = grants[row["id"]]


def _grant(session: Session, role: Role, sent: list[Grant] | None) -> None:
    if sent is not None:
        roles.set_grants(session, role, {_number(session, grant): grant.scope for grant in sent})


def _number(session: Session, grant: Grant) -> int:
    """The permission that is meant; number and name, where both are sent, must mean the same."""
    if grant.name is None and grant.permission_id is None:
        raise invalid("permissions", "each needs permissionId or name")
    if grant.name is None:
        return grant.permission_id or 0
    key = session.scalar(select(Permission.id).where(Permission.name == grant.name))
    if key is None or grant.permission_id not in (None, key):
        raise invalid("permissions", "Permission %(name)s not found", name=grant.name)
    return key


# ---------------------------------------------------------------------------------------------- answers


async def _enriched(call: Call, answer: Answer) -> Answer:
    """The generated answer with `permissions`, unless the caller picked fields."""
    if answer.status != 200 or "fields" in query.pairs(call.query):
        return answer
    data = orjson.loads(answer.body)["data"]
    keys = [row["id"] for row in data.get("list", [data])]
    return _with(answer, await call.read(_told, keys))


def _told(session: Session, keys: list[int]) -> dict[int, list[dict[str, Any]]]:
    grants = roles.grants_of(session, keys)
    return {
        key: [{"permissionId": granted.id, "name": granted.name, "scope": str(scope)} for granted, scope in rows]
        for key, rows in grants.items()
    }


def _with(answer: Answer, grants: dict[int, list[dict[str, Any]]]) -> Answer:
    body = orjson.loads(answer.body)
    for row in body["data"].get("list", [body["data"]]):
        row["permissions"] = grants[row["id"]]
    return replace(answer, body=orjson.dumps(body, option=JSON_OPTIONS))
