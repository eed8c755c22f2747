"""What a list was asked for: the query string as a shape (how the statement looks) and values (its parameters)."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from crm.api import cursor
from crm.api.filters import Filter, parse_filter
from crm.entity import entity_of
from crm.errors import BadInput, invalid
from crm.fields import Field, Kind, field_of, fields_of
from crm.names import camel
from crm.search_text import index_text

PAGE_SIZE = 20
LARGEST_PAGE = 200
LAST_PAGE = 10_000_000
_FILTER = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\[([a-z]+)\])?")
_KEPT = 2000


@dataclass(frozen=True, slots=True)
class Shape:
    """All that decides the text of a statement, and none of its values.

    `sort` ends with the key; `paging` is `one`, `page`, `deep` or `cursor`; `after` says for each sort key whether
    the cursor's value is NULL (empty: from the start).
    """

    fields: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    search: str = ""
    sort: tuple[tuple[str, bool], ...] = ()
    paging: str = "one"
    after: tuple[bool, ...] = ()

    def versioned(self) -> Shape:
        """The same, with the version that the ETag is made of among its fields."""
        lacking = self.fields and "version" not in self.fields
        return replace(self, fields=(*self.fields, "version")) if lacking else self


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query string; `page` counts from 1."""

    shape: Shape
    values: dict[str, Any] = field(default_factory=dict)
    page: int = 1
    page_size: int = PAGE_SIZE


class Queries:
    """Parsed query strings, kept: clients ask for the same few lists again and again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[type[Any], str, bool], Query] = OrderedDict()

    def parse(self, model: type[Any], text: str, *, many: bool = True) -> Query:
        """BadInput names whatever is unknown or wrong.  `many=False` knows `fields` and `include` only."""
        key = (model, text, many)
        if (kept := self._kept.get(key)) is not None:
            return kept
        made = _parse(model, text, many)
        self._kept[key] = made
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return made


def pairs(text: str) -> dict[str, str]:
    """The parameters of a query string; BadInput if one is given twice or is no UTF-8."""
    try:
        found = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=60)
    except ValueError:
        raise BadInput("The query string is not valid") from None
    for name, _ in found:
        if sum(1 for other, _ in found if other == name) > 1:
            raise invalid(name, "is given twice")
    return dict(found)


def _parse(model: type[Any], text: str, many: bool) -> Query:
    given = pairs(text) if text else {}
    shape = Shape(fields=_fields(model, given.pop("fields", "")), include=_include(model, given.pop("include", "")))
    if not many:
        if given:
            raise invalid(next(iter(given)), "is not a known parameter")
        return Query(shape)
    shape = replace(shape, sort=_sort(model, given.pop("sort", "")))
    page_size = _number(given, "pageSize", PAGE_SIZE, LARGEST_PAGE)
    values: dict[str, Any] = {}
    shape = _search(model, shape, given, values)
    if "cursor" in given:
        shape, page = _from_cursor(model, shape, given, values), 1
        values["limit"] = page_size + 1
    else:
        page = _number(given, "page", 1, LAST_PAGE)
        shape = replace(shape, paging="page" if page == 1 else "deep")
        values |= {"limit": page_size, "offset": (page - 1) * page_size}
    return Query(replace(shape, filters=_filters(model, given, values)), values, page, page_size)


def _number(given: dict[str, str], name: str, default: int, most: int) -> int:
    text = given.pop(name, None)
    return default if text is None else whole(name, text, most)


def whole(name: str, text: str, most: int) -> int:
    """A parameter that is a whole number from 1 to `most`; BadInput names it."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise invalid(name, "must be a whole number from 1 to %(most)s", most=most)
    return int(text)


def _fields(model: type[Any], text: str) -> tuple[str, ...]:
    """Attribute names, the key always among them, in the entity's order."""
    if not text:
        return ()
    known = {f.json: f.name for f in fields_of(model).values()}
    wanted = {"id"}
    for name in text.split(","):
        if name not in known:
            raise invalid("fields", "%(name)s is not a known field", name=name)
        wanted.add(known[name])
    return tuple(name for name in fields_of(model) if name in wanted)


def includable(model: type[Any]) -> dict[str, Field]:
    """The to-one relations by their JSON name: `customer`, `lostReason`."""
    references = (f for f in fields_of(model).values() if f.kind is Kind.REFERENCE and f.relation)
    return {camel(f.relation): f for f in references if f.relation}


def _include(model: type[Any], text: str) -> tuple[str, ...]:
    if not text:
        return ()
    known = includable(model)
    for name in (wanted := text.split(",")):
        if name not in known:
            raise invalid("include", "%(name)s is not a relation that can be included", name=name)
    return tuple(sorted({known[name].name for name in wanted}))


def sortable(model: type[Any]) -> dict[str, str]:
    """JSON name → attribute of what a list may be sorted by."""
    fields = fields_of(model)
    return {fields[name].json: name for name in ("id", *entity_of(model).sort)}


def _sort(model: type[Any], text: str) -> tuple[tuple[str, bool], ...]:
    """(attribute, descending) pairs, closed by the key so that no two rows are equal."""
    known = sortable(model)
    wanted: list[tuple[str, bool]] = []
    for part in text.split(",") if text else ():
        name = part.removeprefix("-")
        if name not in known:
            raise invalid("sort", "%(name)s is not a field to sort by", name=name)
        wanted.append((known[name], part.startswith("-")))
    if not wanted:
        order = entity_of(model).order
        wanted.append((order.removeprefix("-"), order.startswith("-")))
    names = [name for name, _ in wanted]
    if len(set(names)) < len(names):
        raise invalid("sort", "%(name)s is given twice", name=max(names, key=names.count))
    return tuple(wanted) if "id" in names else (*wanted, ("id", wanted[0][1]))


def _search(model: type[Any], shape: Shape, given: dict[str, str], values: dict[str, Any]) -> Shape:
    if not entity_of(model).search or not (typed := given.pop("search", "")):
        return shape
    values["search"] = values["all_search"] = typed
    return replace(shape, search="some" if index_text([typed[:200]]) else "none")


def _from_cursor(model: type[Any], shape: Shape, given: dict[str, str], values: dict[str, Any]) -> Shape:
    if "page" in given:
        raise invalid("page", "cannot be used together with cursor")
    for name, _ in shape.sort:
        if field_of(model, name).computed:
            raise invalid("sort", "%(name)s is computed and cannot be paged by cursor; use page", name=camel(name))
    shape = replace(shape, paging="cursor")
    if not (text := given.pop("cursor")):
        return shape
    keys = cursor.decode(model, shape.sort, text)
    values |= {f"k{i}": value for i, value in enumerate(keys) if value is not None}
    return replace(shape, after=tuple(value is None for value in keys))


def filterable(model: type[Any]) -> dict[str, Field]:
    """The fields a list can be filtered by, by JSON name."""
    fields = fields_of(model)
    return {fields[name].json: fields[name] for name in ("id", *entity_of(model).filters)}


def _filters(model: type[Any], given: dict[str, str], values: dict[str, Any]) -> tuple[Filter, ...]:
    known = filterable(model)
    found: list[Filter] = []
    for name, text in sorted(given.items()):
        match = _FILTER.fullmatch(name)
        if match is None or match[1] not in known:
            raise invalid(name, "is not a known parameter")
        made, parameters = parse_filter(known[match[1]], match[2] or "eq", text, len(found))
        found.append(made)
        values |= parameters
    return tuple(found)
