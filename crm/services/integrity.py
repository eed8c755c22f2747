"""What the database refuses, in sentences: the unique indexes carry theirs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, Table, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from crm.errors import BadInput, Conflict, CrmError
from crm.fields import fields_of
from crm.models.base import Base

IN_USE = "It cannot be deleted while other records refer to it"


def sentence(error: IntegrityError, model: type[Any]) -> CrmError:
    """A unique value that is taken is bad input (400), a row still in use a conflict (409); never SQL."""
    text = str(error.orig)
    for table in Base.metadata.tables.values():
        for index in table.indexes:
            if index.unique and _names(text, table, index):
                return BadInput(str(index.info.get("message", "This value is already taken")))
        for constraint in table.constraints:
            if isinstance(constraint, UniqueConstraint) and _names(text, table, constraint):
                return BadInput("This value is already taken")
    if "foreign key" in text.lower():
        return Conflict(IN_USE)
    missing = [
        field.json for field in fields_of(model).values() if f".{field.name}" in text or f'"{field.name}"' in text
    ]
    return BadInput("%(field)s is required", field=", ".join(missing) or "A value")


def _names(text: str, table: Table, index: Index | UniqueConstraint) -> bool:
    """PostgreSQL names the index; SQLite the index where it has expressions, else the columns."""
    if index.name and (f'"{index.name}"' in text or f"'{index.name}'" in text):
        return True
    columns = [getattr(c, "key", None) for c in index.columns]
    listed = ", ".join(f"{table.name}.{key}" for key in columns if key)
    return bool(listed) and text.rstrip().endswith(f"failed: {listed}")
