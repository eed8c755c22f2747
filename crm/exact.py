"""How numbers, days and instants must be written: no boolean is a number, and no number is a day.

Pydantic takes `true` for 1, `0` for the first of January 1970 and `1_000` for a thousand, and each would be stored
without a word.  `exact` puts a look at what was sent before pydantic's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", re.ASCII)
#: from here on a float no longer tells two decimals apart
_LONGEST_FLOAT = 1e13
#: the first and last of these years cannot be carried into every time zone
_FIRST_YEAR, _LAST_YEAR = 1, 9999
#: what `model_validate` is told as its context where values come as JSON, and a number is no text
JSON = {"json": True}


def exact(annotation: Any) -> Any:
    """The same annotation, strict about how its value is written; other kinds of values stay as they are."""
    base = bare(annotation)
    if base not in _CHECKS:
        return annotation
    before, after = _CHECKS[base]
    checked = Annotated[annotation, BeforeValidator(before)]
    if base is Decimal:
        return Annotated[checked, _Spelled()]
    return checked if after is None else Annotated[checked, AfterValidator(after)]


def bare(annotation: Any) -> Any:
    """`Annotated[int, …] | None` → int"""
    if get_origin(annotation) in (Union, UnionType):
        return bare(next(a for a in get_args(annotation) if a is not type(None)))
    return bare(get_args(annotation)[0]) if get_origin(annotation) is Annotated else annotation


class _Spelled:
    """Tells the API's description how a number is written that comes as text."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        made = handler(core)
        for way in made.get("anyOf", ()):
            if way.get("type") == "string":
                way["pattern"] = rf"^\s*({_DECIMAL.pattern})\s*$"
        return made


def _whole(value: Any, info: ValidationInfo) -> Any:
    """Forms hold all their values as text; JSON does not have to."""
    if isinstance(value, bool) or (isinstance(value, str) and info.context == JSON):
        raise PydanticCustomError("int_type", "must be a whole number")
    return value


def _decimal(value: Any) -> Any:
    if isinstance(value, float) and abs(value) >= _LONGEST_FLOAT:
        raise PydanticCustomError("decimal_as_text", "must be a number")
    if isinstance(value, str) and not _DECIMAL.fullmatch(value.strip()):
        raise PydanticCustomError("decimal_parsing", "must be a number")
    return value


def _day(value: Any) -> Any:
    if isinstance(value, date | None) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise PydanticCustomError("date_parsing", "must be a date")


def _instant(value: Any) -> Any:
    """A day without an hour is left to be told that it lacks its zone."""
    if isinstance(value, datetime | None):
        return value
    if isinstance(value, str) and (_INSTANT.fullmatch(value) or _DAY.fullmatch(value)):
        return value
    raise PydanticCustomError("datetime_parsing", "must be an instant")


def _near_day(value: date | None) -> date | None:
    if value is not None and not _FIRST_YEAR < value.year < _LAST_YEAR:
        raise PydanticCustomError("date_parsing", "must be a date")
    return value


def _near_instant(value: datetime | None) -> datetime | None:
    """An aware instant, as UTC can tell it."""
    if value is not None and not _FIRST_YEAR < value.year < _LAST_YEAR:
        raise PydanticCustomError("datetime_parsing", "must be an instant")
    return value


_CHECKS: dict[Any, tuple[Callable[..., Any], Callable[[Any], Any] | None]] = {
    int: (_whole, None),
    Decimal: (_decimal, None),
    date: (_day, _near_day),
    datetime: (_instant, _near_instant),
    AwareDatetime: (_instant, _near_instant),
}

#: for fields of hand-written schemas
Whole = exact(int)
Moment = exact(AwareDatetime)
