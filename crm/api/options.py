"""The body of a business verb, from the keyword-only parameters of its function."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any

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
        properties[option.name] = (exact(option.annotation), Field(default, alias=camel(option.name)))
    name = f"{operation.model.__name__}{camel('_' + operation.verb)}"
    return create_model(name, __base__=schemas.Input, **properties)
