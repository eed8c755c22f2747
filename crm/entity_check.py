"""The start-up check of every declared name: a wrong declaration stops the start and says which file and field."""

from __future__ import annotations

import inspect as python
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import UniqueConstraint, inspect

from crm.entity import ALL_VERBS, OPERATIONS, RECORD, entity_of, name_of, path_of
from crm.errors import StartError
from crm.fields import Kind, fields_of, models

_LISTS = ("list", "form", "search", "filters", "sort", "export")
_ONCE = (*_LISTS, "secret", "verbs")
_INDEXED = ("filters", "sort")
#: filled in by the machinery, never by people
_KEPT = ("id", "version", "created_at", "updated_at", "created_by")


def check_entities() -> None:
    """Raise StartError with one sentence per wrong name of any declaration."""
    problems = [problem for model in models() for problem in problems_of(model)]
    problems += _doubled_paths()
    if problems:
        raise StartError("%(problems)s", problems="\n".join(problems))


def problems_of(model: type[Any]) -> list[str]:
    """What is wrong with one declaration, in sentences that begin with the file."""
    where = f"{_file(model)}: {model.__name__}"
    found = [
        *_names(model),
        *_written(model),
        *_single(model),
        *_searched(model),
        *_indexes(model),
        *_ownership(model),
        *_verbs(model),
        *_documentation(model),
    ]
    return [f"{where}.__entity__: {sentence}" for sentence in found]


def _names(model: type[Any]) -> Iterator[str]:
    entity, fields = entity_of(model), fields_of(model)
    for part in _LISTS:
        names: tuple[str, ...] = getattr(entity, part)
        for name in names:
            if name not in fields:
                yield f"'{part}' names '{name}', which is no field of it."
    for part in _ONCE:
        names = getattr(entity, part)
        for name in sorted({n for n in names if names.count(n) > 1}):
            yield f"'{part}' names '{name}' twice."
    for part, name in (("label", entity.label), ("order", entity.order.removeprefix("-"))):
        if name not in fields:
            yield f"'{part}' names '{name}', which is no field of it."
    columns = inspect(model).columns.keys()
    for name in entity.secret:
        if name not in columns:
            yield f"'secret' names '{name}', which is no column of it."


def _written(model: type[Any]) -> Iterator[str]:
    fields = fields_of(model)
    for name in entity_of(model).form:
        if name in fields and fields[name].computed:
            yield f"'form' names '{name}', which is computed."
        if name in _KEPT:
            yield f"'form' names '{name}', which nobody writes by hand."


def _single(model: type[Any]) -> Iterator[str]:
    """Rows are put in order by one value each, and called by one that is stored."""
    entity, fields = entity_of(model), fields_of(model)
    sorted_by = [*(("sort", name) for name in entity.sort), ("order", entity.order.removeprefix("-"))]
    for part, name in [*sorted_by, ("label", entity.label)]:
        if name in fields and fields[name].kind is Kind.REFERENCES:
            yield f"'{part}' names '{name}', which holds many records."
    if entity.label in fields and fields[entity.label].computed:
        yield f"'label' names '{entity.label}', which is computed."


def _searched(model: type[Any]) -> Iterator[str]:
    entity, fields = entity_of(model), fields_of(model)
    if entity.search and "search_text" not in inspect(model).columns:
        yield "'search' needs the mixin Searchable."
    known = [fields[name] for name in entity.search if name in fields]
    for field in known:
        if field.computed or field.kind is Kind.REFERENCES:
            yield f"'search' names '{field.name}', whose words cannot be kept in the row."
    for field in [field for field in known if field.kind is Kind.REFERENCE][1:]:
        yield f"'search' names '{field.name}', a second reference; the words of two cannot be told apart."


def indexed_columns(model: type[Any]) -> frozenset[str]:
    """Names of the columns that lead an index, a unique constraint or the key."""
    table = inspect(model).local_table
    leading = {next(iter(table.primary_key.columns)).key}
    leading |= {c.key for c in table.columns if c.index or c.unique}
    for index in table.indexes:
        first = index.expressions[0]
        leading.add(getattr(first, "key", None) or "")
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            leading.add(next(iter(constraint.columns)).key)
    return frozenset(leading)


def _indexes(model: type[Any]) -> Iterator[str]:
    entity, fields, indexed = entity_of(model), fields_of(model), indexed_columns(model)
    checked = [(part, name) for part in _INDEXED for name in getattr(entity, part)]
    for part, name in [*checked, ("order", entity.order.removeprefix("-"))]:
        field = fields.get(name)
        if field is not None and field.computed and part in _INDEXED:
            continue  # never stored, so no index can have it
        if field is not None and field.kind is not Kind.REFERENCES and name not in indexed:
            yield f"'{part}' names '{name}', which has no index; give the column index=True."


def _ownership(model: type[Any]) -> Iterator[str]:
    entity, mapper = entity_of(model), inspect(model)
    if entity.owner and entity.owner not in mapper.columns:
        yield f"'owner' names '{entity.owner}', which is no column of it."
    elif entity.owner and not _is_user(model, entity.owner):
        yield f"'owner' names '{entity.owner}', which points at no user."
    if entity.through == RECORD:
        if "record_type" not in mapper.columns:
            yield f"'through' names '{RECORD}', which needs the mixin Linked."
        return
    if entity.through and entity.through not in mapper.relationships:
        yield f"'through' names '{entity.through}', which is no relation of it."
    elif entity.through and mapper.relationships[entity.through].uselist:
        yield f"'through' names '{entity.through}', which holds many records."
    if entity.owner and entity.through:
        yield "'owner' and 'through' exclude each other."


def _is_user(model: type[Any], name: str) -> bool:
    """Users own themselves; everything else is owned by whom a foreign key names."""
    keys = inspect(model).columns[name].foreign_keys
    return (name_of(model), name) == ("user", "id") or any(key.target_fullname == "user.id" for key in keys)


def _verbs(model: type[Any]) -> Iterator[str]:
    entity = entity_of(model)
    for verb in entity.verbs:
        if verb not in ALL_VERBS:
            yield f"'verbs' names '{verb}'; it knows {', '.join(ALL_VERBS)}."
    for name in OPERATIONS.get(name_of(model), {}):
        if name in (*ALL_VERBS, "view", "export", "import", "restore", "purge", "bulk"):
            yield f"the operation '{name}' bears the name of a built-in verb."
    for name in entity.owner_alone:
        if name not in (*entity.verbs, *OPERATIONS.get(name_of(model), {})):
            yield f"'owner_alone' names '{name}', which is no verb of it."
    if entity.owner_alone and not entity.owner:
        yield "'owner_alone' needs 'owner'."


def _documentation(model: type[Any]) -> Iterator[str]:
    for field in fields_of(model).values():
        if not field.doc:
            yield f"the column '{field.name}' has no doc."


def _doubled_paths() -> Iterator[str]:
    seen: dict[str, str] = {}
    for model in models():
        path = path_of(model)
        if path in seen:
            yield f"{_file(model)}: {model.__name__} and {seen[path]} share the path /api/{path}."
        seen[path] = model.__name__


def _file(model: type[Any]) -> str:
    try:
        path = Path(python.getsourcefile(model) or "")
    except (TypeError, OSError):
        return model.__module__
    parts = path.parts
    return "/".join(parts[parts.index("crm") :]) if "crm" in parts else path.name
