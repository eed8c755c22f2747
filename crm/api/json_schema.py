"""Short ways to describe the answers of hand-written routes in OpenAPI."""

from __future__ import annotations

from collections.abc import Iterable

from crm.api.routing import Schema

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer", "format": "int64"}
FLAG: Schema = {"type": "boolean"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
NOTHING: Schema = {"type": "null"}
COUNT: Schema = {"type": "integer", "minimum": 0}


def either(schema: Schema) -> Schema:
    """The same, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def listed(names: Iterable[str]) -> Schema:
    """Some of these names, as a parameter of the query: separated by commas."""
    return {"type": "array", "items": {"type": "string", "enum": list(names)}, "uniqueItems": True}


def record(**properties: Schema) -> Schema:
    """An object that has exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
