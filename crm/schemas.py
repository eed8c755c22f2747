"""What a record may look like when it is written: one pydantic model per entity, derived from its fields.

Every door (API, panel, import, bulk) passes what it received through `parse`, so that all refuse the same input with
the same sentences.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictBool,
    StringConstraints,
    ValidationError,
    create_model,
)
from pydantic import Field as Property
from pydantic_core import ErrorDetails, PydanticCustomError

from crm.entity import extras_of
from crm.errors import BadInput, FieldError, field_error
from crm.exact import JSON, Whole, exact
from crm.fields import Field, Kind, python_type, writable
from crm.legible import one_line, storable
from crm.names import camel

Mode = Literal["create", "update"]
LARGEST_KEY = 2**63 - 1


class Input(BaseModel):
    """Base of all that comes in: unknown names are refused, text is trimmed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)


_made: dict[tuple[type[Any], Mode], type[Input]] = {}


def schema_of(model: type[Any], mode: Mode) -> type[Input]:
    """`ContactCreate` (required fields required) or `ContactUpdate` (every field optional)."""
    if (model, mode) not in _made:
        _made[model, mode] = _make(model, mode)
    return _made[model, mode]


def _make(model: type[Any], mode: Mode) -> type[Input]:
    properties: dict[str, Any] = {}
    for field in writable(model):
        if mode == "create" and field.required:
            properties[field.name] = (annotation(field), Property(alias=field.json, description=field.doc))
        else:
            default = None if mode == "update" else field.default
            properties[field.name] = (annotation(field), Property(default, alias=field.json, description=field.doc))
    for extra in extras_of(model).values():
        alias = camel(extra.name)
        properties[extra.name] = (extra.annotation | None, Property(None, alias=alias, description=extra.doc))
    return create_model(f"{model.__name__}{mode.capitalize()}", __base__=Input, **properties)


def parse(model: type[Any], mode: Mode, data: Any, *, by: Literal["json", "name"]) -> dict[str, Any]:
    """`data` as {attribute: value}, only what was sent.  Raises BadInput that names every wrong field.

    `by="json"` reads camelCase (the API), `by="name"` attribute names (the panel, services).
    """
    return read(schema_of(model, mode), data, by=by)


def read(schema: type[BaseModel], data: Any, *, by: Literal["json", "name"] = "json") -> dict[str, Any]:
    """Validate against any schema; see `parse`."""
    if not isinstance(data, Mapping):
        raise BadInput("The body must be a JSON object")
    try:
        is_json = by == "json"
        context = JSON if is_json else None
        made = schema.model_validate(dict(data), by_alias=is_json, by_name=not is_json, context=context)
    except ValidationError as error:
        raise bad_input(error) from None
    return {name: getattr(made, name) for name in made.model_fields_set}


def bad_input(error: ValidationError) -> BadInput:
    """Pydantic's findings in our sentences; one finding is the message itself."""
    problems = [_sentence(item) for item in error.errors(include_input=False, include_url=False)]
    if len(problems) == 1:
        only = problems[0]
        return BadInput("%(field)s: " + only.template, errors=problems, field=only.field, **dict(only.params))
    return BadInput("%(count)s fields are wrong", errors=problems, count=len(problems))


# ---------------------------------------------------------------------------------------------- types


def annotation(field: Field) -> Any:
    """The pydantic type of one field, with its bounds."""
    kind = exact(_bounded(field))
    return kind | None if field.nullable else kind


def _bounded(field: Field) -> Any:
    match field.kind:
        case Kind.MONEY | Kind.QUANTITY:
            digits, places = field.digits
            return Annotated[Decimal, Property(max_digits=digits, decimal_places=places)]
        case Kind.FRACTION:
            return Annotated[Decimal, Property(ge=0, le=1, max_digits=5, decimal_places=4)]
        case Kind.INTEGER:
            return Annotated[int, Property(ge=-(2 ** (field.bits - 1)), le=2 ** (field.bits - 1) - 1)]
        case Kind.REFERENCE:
            return Annotated[int, Property(ge=1, le=LARGEST_KEY)]
        case Kind.REFERENCES:
            return Annotated[list[Annotated[Whole, Property(ge=1, le=LARGEST_KEY)]], Property(max_length=1000)]
        case Kind.INSTANT:
            return AwareDatetime
        case Kind.BOOLEAN:
            return StrictBool
        case Kind.DOCUMENT:
            return list[Any] if field.default is None and field.name.endswith(("s", "list")) else dict[str, Any]
        case Kind.CHOICE | Kind.DATE:
            return python_type(field)
    return _text(field)


def _text(field: Field) -> Any:
    """Text of at most the column's length, without characters a database refuses; one line, without invisible ones."""
    least = 1 if field.required else 0
    bounds = StringConstraints(max_length=field.max_length or 100_000, min_length=least)
    check = _CHECKS.get(field.kind)
    clean = Storable if field.kind is Kind.LONG_TEXT else Legible
    return Annotated[str, bounds, clean, AfterValidator(check)] if check else Annotated[str, bounds, clean]


#: for text of hand-written schemas: what a database cannot store is refused
Storable = BeforeValidator(storable)
#: the same for names, titles and whatever else is one line: what nobody can see is taken away
Legible = BeforeValidator(one_line)


#: beyond doubt: plain words on both sides, no top-level domain that is reserved for other things
_PLAIN_EMAIL = re.compile(
    r"\w{1,20}([.+-]\w{1,20}){0,2}@([a-z0-9]{1,30}\.){1,3}(?!(arpa|invalid|local|localhost|onion|test)$)[a-z]{2,20}",
    re.ASCII | re.IGNORECASE,
)


def _email(value: str) -> str:
    if not value:
        return value
    if _PLAIN_EMAIL.fullmatch(value):  # most of them, at a twentieth of the cost
        name, _, domain = value.rpartition("@")
        return f"{name}@{domain.lower()}"
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise PydanticCustomError("email", "must be an e-mail address such as name@example.com") from None


def _url(value: str) -> str:
    if value and not value.lower().startswith(("http://", "https://")):
        value = f"https://{value}"
    if any(c.isspace() or c in "<>\"'" for c in value):
        raise PydanticCustomError("web_address", "must be a web address such as https://example.com")
    return value


def _currency(value: str) -> str:
    code = value.upper()
    if len(code) != 3 or not (code.isascii() and code.isalpha()):
        raise PydanticCustomError("currency", "must be a currency code of three letters such as USD or CNY")
    return code


def _timezone(value: str) -> str:
    if value and value not in available_timezones():
        raise PydanticCustomError("time_zone", "must be a time zone such as Europe/Berlin or Asia/Shanghai")
    return value


_CHECKS = {Kind.EMAIL: _email, Kind.URL: _url, Kind.CURRENCY: _currency, Kind.TIMEZONE: _timezone}


# ---------------------------------------------------------------------------------------------- sentences

_SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most %(max_length)s characters",
    "too_long": "must have at most %(max_length)s entries",
    "string_type": "must be text",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    "int_parsing_size": "is too large a number",
    "greater_than_equal": "must be %(ge)s or more",
    "less_than_equal": "must be %(le)s or less",
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("decimal_type", "decimal_parsing", "finite_number"), "must be a number"),
    "decimal_as_text": 'must be sent as text, such as "10000000000000.50": a JSON number has no more than 15 digits',
    "decimal_max_digits": "must have at most %(max_digits)s digits",
    "decimal_whole_digits": "must have at most %(whole_digits)s digits before the point",
    "decimal_max_places": "must have at most %(decimal_places)s decimals",
    "enum": "must be one of: %(expected)s",
    "literal_error": "must be one of: %(expected)s",
    "date_type": "must be a date such as 2026-11-30",
    "date_parsing": "must be a date such as 2026-11-30",
    "date_from_datetime_parsing": "must be a date such as 2026-11-30",
    "date_from_datetime_inexact": "must be a date such as 2026-11-30",
    "datetime_type": "must be an instant such as 2026-11-30T09:00:00Z",
    "datetime_parsing": "must be an instant such as 2026-11-30T09:00:00Z",
    "datetime_from_date_parsing": "must be an instant such as 2026-11-30T09:00:00Z",
    "timezone_aware": "must carry a time zone, such as 2026-11-30T09:00:00Z",
    "list_type": "must be a list",
    **dict.fromkeys(("dict_type", "model_type"), "must be an object"),
    "not_text": "must be text without control characters",
    "email": "must be an e-mail address such as name@example.com",
    "reminder_moment": "needs either remindAt or offsetMinutes",
    "web_address": "must be a web address such as https://example.com",
    "currency": "must be a currency code of three letters such as USD or CNY",
    "time_zone": "must be a time zone such as Europe/Berlin or Asia/Shanghai",
}


def _sentence(item: ErrorDetails) -> FieldError:
    name = ".".join(str(part) for part in item["loc"]) or "body"
    template = _SENTENCES.get(item["type"], "is not valid")
    if item["type"] == "missing" and not item["loc"]:
        return field_error("body", "is required")
    context = {
        key: str(value) for key, value in (item.get("ctx") or {}).items() if isinstance(value, str | int | Decimal)
    }
    return field_error(name, template, **context)
