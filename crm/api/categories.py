"""`/api/categories`: the tree and its nodes, as document 004 has them; and the generated list and record besides."""

from __future__ import annotations

from typing import Any

from pydantic import Field, create_model
from sqlalchemy.orm import Session

from crm import access, schemas
from crm.api import category_types, query
from crm.api import openapi_records as described
from crm.api.call import Call
from crm.api.conditions import expected_version, tag
from crm.api.envelope import Answer, success
from crm.api.json_schema import INSTANT, NUMBER, TEXT, either, many, record
from crm.api.resources import Resource
from crm.api.routing import TOKEN, Endpoint, Method, Parameter
from crm.api.written import record_data
from crm.entity import permission
from crm.errors import BadInput, invalid
from crm.fields import writable
from crm.models.category import Category
from crm.models.category_type import CategoryType
from crm.names import camel
from crm.schemas import Input
from crm.services import categories, records

TITLE = "Category"
KEYS = ("id", "name", "code", "typeId", "parentId", "sort", "description", "createdAt", "updatedAt")
CHANGED = tuple(key for key in KEYS if key != "createdAt")
_NODE = {"id": NUMBER, "name": TEXT, "code": TEXT, "typeId": NUMBER, "sort": {"type": "integer"}, "description": TEXT}
_FIELDS = _NODE | {"parentId": either(NUMBER), "createdAt": INSTANT, "updatedAt": INSTANT}
ROOT = record(**_NODE, children=many({"type": "object", "description": "Its children, and theirs."}))
_GENERATED = Resource(Category)
#: a category stays in its type
_changeable: dict[str, Any] = {
    f.name: (schemas.annotation(f), Field(None, alias=f.json, description=f.doc))
    for f in writable(Category)
    if f.name != "type_id"
}
Change: type[Input] = create_model("CategoryChange", __base__=Input, **_changeable)


def routes() -> list[Endpoint]:
    changed = {"data": record(**{key: _FIELDS[key] for key in CHANGED}), "body": Change}
    everyone = {
        "GET": _method("list", _GENERATED.list),
        "POST": _method("create", create, data=record(**{key: _FIELDS[key] for key in KEYS})),
    }
    one = {
        "GET": _method("get", _GENERATED.get),
        "PUT": _method("update", update, **changed),
        "PATCH": _method("change", update, **changed),
        "DELETE": _method("delete", delete),
    }
    found = [Endpoint("/categories/tree", {"GET": _tree()}), Endpoint("/categories", everyone)]
    found += [Endpoint("/categories/{id}", one), _GENERATED.bulk_endpoint()]
    return [*category_types.routes(), *found]


def _tree() -> Method:
    wanted = Parameter("typeId", "The type whose tree is wanted; required.", {"type": "integer", "minimum": 1})
    about = {"parameters": (wanted,), "data": many(ROOT), "errors": (400, 401, 404), "tag": "Categories"}
    return Method(tree, TOKEN, "The tree of one category type.", operation_id="categoryTree", **about)  # type: ignore[arg-type]


def _method(action: str, run: Any, **changed: Any) -> Method:
    reads = action in ("list", "get")
    told = described.method(Category, action, None) | changed
    return Method(run, (None if reads else permission(Category, action)) or TOKEN, carried=reads, **told)


async def tree(call: Call) -> Answer:
    type_id = _type_id(call.query)

    def look(session: Session) -> list[dict[str, Any]]:
        access.find(session, CategoryType, type_id)
        return [_spelled(node) for node in categories.tree(session, type_id)]

    return success(await call.read(look))


def _type_id(text: str) -> int:
    given = query.pairs(text)
    wanted = given.pop("typeId", "")
    if given:
        raise invalid(next(iter(given)), "is not a known parameter")
    if not wanted:
        raise BadInput("TypeId is required")
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
        raise invalid("typeId", "must be a whole number")
    return int(wanted)


def _spelled(node: dict[str, Any]) -> dict[str, Any]:
    """camelCase; walked without recursion, since a tree may be of any depth."""
    shown: dict[str, Any] = {}
    waiting = [(node, shown)]
    while waiting:
        inside, outside = waiting.pop()
        for name, value in inside.items():
            if name != "children":
                outside[camel(name)] = value
        if "children" in inside:
            outside["children"] = [{} for _ in inside["children"]]
            waiting += zip(inside["children"], outside["children"], strict=True)
    return shown


# ---------------------------------------------------------------------------------------------- writes


async def create(call: Call) -> Answer:
    values = schemas.parse(Category, "create", await call.json(), by="json")

    def work(session: Session) -> Answer:
        made = records.create(session, Category, values)
        headers = [tag(made.version), (b"location", f"/api/categories/{made.id}".encode())]
        return success(_shown(session, made, KEYS), f"{TITLE} created successfully", headers=headers)

    return await call.write(work)


async def update(call: Call) -> Answer:
    key, expected = call.number("id", TITLE), expected_version(call.header(b"if-match"))
    values = schemas.read(Change, await call.json())

    def work(session: Session) -> Answer:
        found = access.find(session, Category, key, lock=True)
        records.update(session, found, values, expected_version=expected)
        return success(_shown(session, found, CHANGED), f"{TITLE} updated successfully", headers=[tag(found.version)])

    return await call.write(work)


async def delete(call: Call) -> Answer:
    key, expected = call.number("id", TITLE), expected_version(call.header(b"if-match"))

    def work(session: Session) -> Answer:
        records.delete(session, access.find(session, Category, key, lock=True), expected_version=expected)
        return success(None, f"{TITLE} deleted successfully")

    return await call.write(work)


def _shown(session: Session, category: Category, keys: tuple[str, ...]) -> dict[str, Any]:
    data = record_data(session, category, new=True)
    return {key: data[key] for key in keys}
