"""The OpenAPI 3.1 document: read off the table of endpoints and the registry, so that it cannot say anything else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

import orjson
from pydantic import BaseModel, TypeAdapter

import crm
from crm.api.openapi_records import record_schema, ref
from crm.api.routing import PREFIX, PUBLIC, TOKEN, Endpoint, Method, Parameter, Schema
from crm.fields import models

_ERROR: Schema = {
    "type": "object",
    "properties": {
        "code": {"type": "integer"},
        "message": {"type": "string"},
        "data": {"type": "null"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
    },
    "required": ["code", "message", "data"],
}
#: every route may answer these: broken query strings, unexpected errors, a database that is away
_ALWAYS = (400, 500, 503)


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """The whole document, ready for JSON."""
    found = sorted(endpoints, key=lambda endpoint: endpoint.path)
    bodies, components = _bodies(found)
    tags = sorted({method.tag for endpoint in found for method in endpoint.methods.values() if method.tag})
    paths = {PREFIX + endpoint.path: _path(endpoint, bodies) for endpoint in found}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CRM",
            "version": crm.__version__,
            "description": "Answers come as `{code, message, data}`; sign in with `POST /api/auth/login`.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": {**components, **_records(paths), "Error": _ERROR},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _bodies(endpoints: Iterable[Endpoint]) -> tuple[dict[type[BaseModel], Schema], dict[str, Schema]]:
    """(schema of each body, the components they refer to), all made in one go so that names stay apart."""
    methods = [method for endpoint in endpoints for method in endpoint.methods.values()]
    used = dict.fromkeys(model for method in methods for model in (method.body, *method.parts))
    wanted = {model: TypeAdapter(model) for model in used if model is not None}
    keyed: Any = [(model, "validation", adapter) for model, adapter in wanted.items()]
    made, definitions = TypeAdapter.json_schemas(keyed, ref_template="#/components/schemas/{model}")
    bodies: dict[Any, Schema] = {key: _plain(schema) for (key, _), schema in made.items()}
    return bodies, {name: _plain(schema) for name, schema in definitions.get("$defs", {}).items()}


def _records(paths: Schema) -> dict[str, Schema]:
    """The components of the entities that answers refer to."""
    text = orjson.dumps(paths).decode()
    return {m.__name__: record_schema(m) for m in models() if f'"{ref(m.__name__)["$ref"]}"' in text}


def _plain(schema: Any) -> Any:
    """Without defaults of null (a field left out stays as it is) and titles that repeat the name."""
    if isinstance(schema, dict):
        drop = {"default"} if schema.get("default", 0) is None else set()
        if isinstance(schema.get("title"), str):
            drop.add("title")
        return {key: _plain(value) for key, value in schema.items() if key not in drop}
    return [_plain(part) for part in schema] if isinstance(schema, list) else schema


# ---------------------------------------------------------------------------------------------- paths


def _path(endpoint: Endpoint, bodies: dict[type[BaseModel], Schema]) -> Schema:
    names = re.findall(r"\{(\w+)\}", endpoint.path)
    parameters = [_path_parameter(name) for name in names]
    made: Schema = {"parameters": parameters} if parameters else {}
    return made | {name.lower(): _method(method, bodies, bool(names)) for name, method in endpoint.methods.items()}


def _path_parameter(name: str) -> Schema:
    number = {"type": "integer", "format": "int64", "minimum": 1}
    return {"name": name, "in": "path", "required": True, "schema": number if name == "id" else {"type": "string"}}


def _method(method: Method, bodies: dict[type[BaseModel], Schema], has_name: bool) -> Schema:
    made: Schema = {
        "summary": method.summary,
        "description": _access(method),
        "security": [] if method.access == PUBLIC else [{"bearer": []}],
        "responses": dict(_answers(method, has_name)),
    }
    if method.operation_id:
        made["operationId"] = method.operation_id
    if method.tag:
        made["tags"] = [method.tag]
    if method.parameters:
        made["parameters"] = [_parameter(parameter) for parameter in method.parameters]
    body = bodies.get(method.body) if method.body is not None else method.raw_body
    if body is not None:
        made["requestBody"] = {"content": {method.body_type: {"schema": body}}, "required": method.body_required}
    return made


def _access(method: Method) -> str:
    if method.access == PUBLIC:
        return "Needs no token."
    return "Needs a token." if method.access == TOKEN else f"Needs the permission `{method.access}`."


def _parameter(parameter: Parameter) -> Schema:
    made: Schema = {"name": parameter.name, "in": parameter.place, "description": parameter.doc}
    made["schema"] = parameter.schema
    if parameter.schema.get("type") == "array":
        made |= {"style": "form", "explode": False}
    return made | ({"required": True} if parameter.required else {})


def _answers(method: Method, has_name: bool) -> Iterator[tuple[str, Schema]]:
    headers = {"ETag": {"schema": {"type": "string"}, "description": "The record's version, for If-Match."}}
    is_json = method.media_type == "application/json"
    content = {kind: {"schema": _body(method)} if is_json else {} for kind in method.media_type.split(", ")}
    known = any(parameter.name in ("If-Match", "If-None-Match") for parameter in method.parameters)
    yield "200", {"description": "Success", "content": content} | ({"headers": headers} if known else {})
    if any(parameter.name == "If-None-Match" for parameter in method.parameters):
        yield "304", {"description": "Not modified"}
    asked = () if method.access == PUBLIC else (401,) if method.access == TOKEN else (401, 403)
    slow = () if method.body is None and method.raw_body is None else (408,)
    for status in sorted({*_ALWAYS, *method.errors, *asked, *slow, *((404,) if has_name else ())}):
        yield str(status), _error(status)


def _error(status: int) -> Schema:
    made: Schema = {"description": HTTPStatus(status).phrase, "content": {"application/json": {"schema": ref("Error")}}}
    if status in (429, 503):
        made["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    return made


def _body(method: Method) -> Schema:
    if method.bare:
        return method.data
    return {
        "type": "object",
        "properties": {"code": {"const": 200}, "message": {"type": "string"}, "data": method.data},
        "required": ["code", "message", "data"],
        "additionalProperties": False,
    }
