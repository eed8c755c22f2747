"""The body of a business verb, from the keyword-only parameters of its function."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Annotated, Any

from pydantic import Field, create_model

from crm import schemas
from crm.entity import Operation
from crm.exact import exact
from crm.names import camel


@lru_cache(maxsize=500)
def options_schema(operation: Operation) -> type[schemas.Input]:
    """The body of an operation, from the keyword-only parameters of its function."""
    properties: dict[str, Any] = {}
    for option in operation.options:
        default = ... if option.default is inspect.Parameter.empty else option.default
        properties[option.name] = (exact(_bounded(option)), Field(default, alias=camel(option.name)))
    name = f"{operation.model.__name__}{camel('_' + operation.verb)}"
    return create_model(name, __base__=schemas.Input, **properties)


def _bounded(option: inspect.Parameter) -> Any:
    """A whole number without bounds of its own is the number of a record, or one that a column can hold."""
    if option.annotation is not int:
        return option.annotation
    if option.name.endswith("_id"):
        return Annotated[int, Field(ge=1, le=schemas.LARGEST_KEY)]
    return Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
