"""How the generated routes are described: summary, parameters, body and answer of each, from the entity's fields."""

from __future__ import annotations

from typing import Any

from crm import schemas
from crm.api.filters import decimal_pattern, operators_of
from crm.api.json_schema import listed
from crm.api.options import options_schema
from crm.api.query import LARGEST_PAGE, PAGE_SIZE, filterable, includable, sortable
from crm.api.routing import Parameter, Schema
from crm.entity import Operation, entity_of, plural_of, title_of, titles_of
from crm.fields import Field, Kind, fields_of
from crm.services.bulk import LIMIT

_TAGS: Schema = {"type": "string", "pattern": r'^(\*|(W/)?"v[0-9]{1,9}"(, *(W/)?"v[0-9]{1,9}")*)$'}
_MATCH = Parameter("If-Match", "The ETag the record was read with; 412 if it has changed since.", _TAGS, place="header")
_NONE_MATCH = Parameter("If-None-Match", "An ETag; 304 if the record still bears it.", place="header")
_KEY: Schema = {"type": "string", "pattern": r"^[!-~]([ -~]{0,198}[!-~])?$"}
ONCE = Parameter(
    "Idempotency-Key", "The same key and body answer the first result again, for 24 hours.", _KEY, place="header"
)
_VALUES: dict[Kind, Schema] = {
    Kind.INTEGER: {"type": "integer"},
    Kind.REFERENCE: {"type": "integer", "format": "int64"},
    Kind.REFERENCES: {"type": "array", "items": {"type": "integer", "format": "int64"}},
    Kind.MONEY: {"type": "string", "pattern": r"^-?\d+\.\d{2}$"},
    Kind.FRACTION: {"type": "number"},
    Kind.QUANTITY: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.INSTANT: {"type": "string", "format": "date-time"},
    Kind.DOCUMENT: {},
}
_ERRORS = {
    "list": (400, 401, 403),
    "get": (400, 401, 403, 404),
    "create": (400, 401, 403, 409, 413, 415),
    "update": (400, 401, 403, 404, 409, 412, 413, 415),
    "delete": (401, 403, 404, 409, 412),
    "bulk": (400, 401, 403, 404, 409, 412, 413, 415),
}


def method(model: type[Any], action: str, operation: Operation | None) -> dict[str, Any]:
    """Keyword arguments of the `Method` that does `action` (or the operation)."""
    if operation is not None:
        return _operation(model, operation)
    what, many = title_of(model), titles_of(model)
    record, name = ref(model.__name__), model.__name__
    known: dict[str, dict[str, Any]] = {
        "list": {
            "summary": f"List {many.lower()}.",
            "parameters": list_parameters(model) if action == "list" else (),  # the longest by far
            "data": _page(record),
            "operation_id": f"list{_upper(plural_of(model))}",
        },
        "get": {
            "summary": f"Get one {what.lower()}.",
            "parameters": (*shape_parameters(model), *_versioned(model, _NONE_MATCH)),
            "data": record,
            "operation_id": f"get{name}",
        },
        "create": {
            "summary": f"Create a {what.lower()}.",
            "parameters": (ONCE,),
            "body": schemas.schema_of(model, "create"),
            "data": record,
            "operation_id": f"create{name}",
        },
        "update": {
            "summary": f"Change the fields of a {what.lower()} that are sent.",
            "parameters": _versioned(model, _MATCH),
            "body": schemas.schema_of(model, "update"),
            "data": record,
            "operation_id": f"update{name}",
        },
        "delete": {
            "summary": f"Delete a {what.lower()}: move it to the trash.",
            "parameters": _versioned(model, _MATCH),
            "data": {"type": "null"},
            "operation_id": f"delete{name}",
        },
        "bulk": {
            "summary": f"Create, update and delete up to {LIMIT:,} {many.lower()}: all or nothing.",
            "parameters": (ONCE,),
            "raw_body": _bulk_body(model),
            "parts": (schemas.schema_of(model, "create"),) if "create" in entity_of(model).verbs else (),
            "data": bulk_data(record),
            "operation_id": f"bulk{_upper(plural_of(model))}",
        },
    }
    known["change"] = known["update"] | {"operation_id": f"change{name}"}
    return {"errors": _ERRORS.get(action, _ERRORS["update"]), "tag": many, **known[action]}


def _versioned(model: type[Any], parameter: Parameter) -> tuple[Parameter, ...]:
    """What asks for a version, where versions are counted."""
    return (parameter,) if hasattr(model, "version") else ()


def _operation(model: type[Any], operation: Operation) -> dict[str, Any]:
    return {
        "summary": operation.doc or f"{operation.verb} a {title_of(model).lower()}.",
        "parameters": (*_versioned(model, _MATCH), ONCE),
        "body": options_schema(operation),
        "body_required": any(option.default is option.empty for option in operation.options),
        "data": ref(model.__name__),
        "errors": _ERRORS["update"],
        "tag": titles_of(model),
        "operation_id": f"{operation.verb}{model.__name__}",
    }


# ---------------------------------------------------------------------------------------------- records


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def record_schema(model: type[Any]) -> Schema:
    """The component that describes a record; nothing is required, since `fields` may leave anything out but the key."""
    properties = {f.json: value_schema(f) for f in fields_of(model).values()}
    for name, field in includable(model).items():
        properties[name] = {
            "type": ["object", "null"],
            "description": f"With include={name}: the record behind {field.json}; null where it is not visible.",
        }
    return {
        "type": "object",
        "description": (model.__doc__ or "").strip(),
        "properties": properties,
        "required": ["id"],
        "additionalProperties": False,
    }


def value_schema(field: Field) -> Schema:
    """One field's JSON value, as it is answered."""
    made = dict(_VALUES.get(field.kind, {"type": "string"}))
    if field.bits == 64:
        made["format"] = "int64"
    if field.choices is not None:
        made["enum"] = [*(str(choice) for choice in field.choices), *([None] if field.nullable else [])]
    if field.nullable and "type" in made:
        made["type"] = [made["type"], "null"]
    return {**made, "description": field.doc}


def _page(record: Schema) -> Schema:
    numbers = {name: {"type": "integer"} for name in ("total", "current", "pageSize", "totalPages")}
    paging = {"type": "object", "properties": {**numbers, "nextCursor": {"type": ["string", "null"]}}}
    return {
        "type": "object",
        "properties": {"list": {"type": "array", "items": record}, "pagination": paging},
        "required": ["list", "pagination"],
    }


def _bulk_body(model: type[Any]) -> Schema:
    key = {"type": "integer", "format": "int64", "minimum": 1}
    version = {"type": ["integer", "null"]}
    update = {"type": "object", "properties": {"id": key, "version": version}, "required": ["id"]}
    lists: dict[str, Schema] = {
        "create": ref(f"{model.__name__}Create"),
        "update": {**update, "description": "The number of the record, and the fields to change."},
        "delete": key,
    }
    verbs = entity_of(model).verbs
    properties = {verb: {"type": "array", "items": lists[verb], "maxItems": LIMIT} for verb in verbs}
    some = [{"required": [verb], "properties": {verb: {"minItems": 1}}} for verb in verbs]
    return {"type": "object", "properties": properties, "additionalProperties": False, "anyOf": some}


def bulk_data(record: Schema) -> Schema:
    """What a bulk request answers, where `record` is what one record looks like."""
    many = {"type": "array", "items": record}
    return {
        "type": "object",
        "properties": {"created": many, "updated": many, "deleted": {"type": "array", "items": {"type": "integer"}}},
    }


def _upper(plural: str) -> str:
    return "".join(part.capitalize() for part in plural.split("_"))


# ---------------------------------------------------------------------------------------------- parameters


def shape_parameters(model: type[Any]) -> tuple[Parameter, ...]:
    """`fields` and `include`."""
    names = listed(field.json for field in fields_of(model).values())
    found = [Parameter("fields", "Only these, separated by commas.", names)]
    if relations := includable(model):
        found.append(Parameter("include", "Related records, separated by commas.", listed(relations)))
    return tuple(found)


def list_parameters(model: type[Any]) -> tuple[Parameter, ...]:
    """Everything a list may be asked for; filters with operators are described by their plain form."""
    orders = [f"{sign}{name}" for name in sortable(model) for sign in ("", "-")]
    sizes: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE}
    found = [
        Parameter("page", "Page, from 1.", {"type": "integer", "minimum": 1, "maximum": 10_000_000, "default": 1}),
        Parameter("pageSize", "Records on a page.", sizes),
        Parameter("cursor", "Page by key instead: empty to begin, then `nextCursor` of the last answer."),
        Parameter("sort", "Fields, separated by commas; descending with a minus.", listed(orders)),
    ]
    if entity_of(model).search:
        found.append(Parameter("search", "Words that must all occur; two Chinese characters are enough."))
    filters = (_filter_parameter(field) for field in filterable(model).values())
    return (*found, *shape_parameters(model), *filters)


def _filter_parameter(field: Field) -> Parameter:
    known = ", ".join(f"[{op}]" for op in operators_of(field) if op != "eq")
    made = value_schema(field)
    made.pop("description")
    if field.kind is Kind.REFERENCES:
        made = {"type": "integer", "format": "int64"}
    if field.kind in (Kind.MONEY, Kind.FRACTION, Kind.QUANTITY):
        made = {"type": "string", "pattern": decimal_pattern(field)}
    if isinstance(made.get("type"), list):
        made["type"] = made["type"][0]
    if "enum" in made:
        made["enum"] = [value for value in made["enum"] if value is not None]
    return Parameter(field.json, f"{field.doc} Also {field.json}{known}.", made)
