"""`/api/category-types`, as document 004 has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from crm import access, schemas
from crm.api import openapi_records as described
from crm.api import query
from crm.api.bulk import Rows
from crm.api.call import Call
from crm.api.conditions import expected_version, tag
from crm.api.envelope import Answer, success
from crm.api.json_schema import COUNT, FLAG, INSTANT, NUMBER, TEXT, many, record
from crm.api.resources import Resource
from crm.api.routing import TOKEN, Endpoint, Method
from crm.api.written import record_data
from crm.entity import Operation, permission
from crm.errors import NotFound, invalid
from crm.models.category_type import CategoryType
from crm.services import records

TITLE = "Category type"
PAGE_SIZE = 10
KEYS = ("id", "name", "code", "description", "status", "createdAt", "updatedAt")
CHANGED = tuple(key for key in KEYS if key != "createdAt")
_FIELDS = {"id": NUMBER, "name": TEXT, "code": TEXT, "description": TEXT, "status": FLAG}
_FIELDS |= {"createdAt": INSTANT, "updatedAt": INSTANT}
ONE = record(**_FIELDS)
PAGE = record(total=COUNT, items=many(ONE), currentPage=COUNT, pageSize=COUNT, totalPages=COUNT)
_NOT_HERE = ("cursor", "include", "fields")


def routes() -> list[Endpoint]:
    changed = record(**{key: _FIELDS[key] for key in CHANGED})
    everyone = {"GET": _method("list", listing, data=PAGE), "POST": _method("create", create, data=ONE)}
    one = {
        "GET": _method("get", get, data=ONE),
        "PUT": _method("update", update, data=changed),
        "PATCH": _method("change", update, data=changed),
        "DELETE": _method("delete", delete),
    }
    found = [Endpoint("/category-types", everyone), Endpoint("/category-types/{id}", one)]
    return [*found, _Types(CategoryType).bulk_endpoint()]


def _method(action: str, run: Any, **changed: Any) -> Method:
    reads = action in ("list", "get")
    told = described.method(CategoryType, action, None) | changed
    told["parameters"] = tuple(p for p in told.get("parameters", ()) if p.name not in _NOT_HERE)
    return Method(run, (None if reads else permission(CategoryType, action)) or TOKEN, carried=reads, **told)


class _Types(Resource):
    """The generated route for many, showing what the others here show."""

    def _method(self, action: str, run: Any, operation: Operation | None = None) -> Method:
        return replace(super()._method(action, run, operation), data=described.bulk_data(ONE))

    def tell(self, _session: Session, rows: Rows) -> None:
        for row in rows:
            for name in row.keys() - set(KEYS):
                del row[name]


# ---------------------------------------------------------------------------------------------- reads


async def listing(call: Call) -> Answer:
    assert call.caller is not None
    given = query.pairs(call.query)
    for name in _NOT_HERE:
        if name in given:
            raise invalid(name, "is not a known parameter")
    asked = call.context.queries.parse(CategoryType, urlencode({"pageSize": PAGE_SIZE, **given}))
    found = await call.context.reads.many(call.caller, CategoryType, asked)
    items = [_shown(row) for row in found.records()]
    pages = -(-found.total // asked.page_size)
    paging = {"currentPage": asked.page, "pageSize": asked.page_size, "totalPages": pages}
    return success({"total": found.total, "items": items, **paging})


async def get(call: Call) -> Answer:
    assert call.caller is not None
    shape = call.context.queries.parse(CategoryType, "", many=False).shape
    row = await call.context.reads.one(call.caller, CategoryType, call.number("id", TITLE), shape)
    if row is None:
        raise NotFound("%(what)s not found", what=TITLE)
    return success(_shown(row), headers=[tag(row["version"])])


def _shown(row: dict[str, Any], keys: tuple[str, ...] = KEYS) -> dict[str, Any]:
    return {key: row[key] for key in keys}


# ---------------------------------------------------------------------------------------------- writes


async def create(call: Call) -> Answer:
    values = schemas.parse(CategoryType, "create", await call.json(), by="json")

    def work(session: Session) -> Answer:
        kind = records.create(session, CategoryType, values)
        headers = [tag(kind.version), (b"location", f"/api/category-types/{kind.id}".encode())]
        data = _shown(record_data(session, kind, new=True))
        return success(data, f"{TITLE} created successfully", headers=headers)

    return await call.write(work)


async def update(call: Call) -> Answer:
    key, expected = call.number("id", TITLE), expected_version(call.header(b"if-match"))
    values = schemas.parse(CategoryType, "update", await call.json(), by="json")

    def work(session: Session) -> Answer:
        kind = access.find(session, CategoryType, key, lock=True)
        records.update(session, kind, values, expected_version=expected)
        data = _shown(record_data(session, kind), CHANGED)
        return success(data, f"{TITLE} updated successfully", headers=[tag(kind.version)])

    return await call.write(work)


async def delete(call: Call) -> Answer:
    key, expected = call.number("id", TITLE), expected_version(call.header(b"if-match"))

    def work(session: Session) -> Answer:
        records.delete(session, access.find(session, CategoryType, key, lock=True), expected_version=expected)
        return success(None, f"{TITLE} deleted successfully")

    return await call.write(work)
