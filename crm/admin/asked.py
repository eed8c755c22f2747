"""What the address of a list asks for: search, filters, sort, page, trash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import QueryParams

from crm import formats
from crm.admin.filters import Condition, clean, conditions, filterable, shape
from crm.entity import entity_of

SIZES = (25, 50, 100)
DEFAULT_SIZE = SIZES[0]
FARTHEST = 10_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """`params` is the address's query as sent; `sort` a field's name, empty for the entity's own order."""

    params: QueryParams
    search: str = ""
    conditions: tuple[Condition, ...] = ()
    sort: str = ""
    descending: bool = False
    page: int = 1
    size: int = DEFAULT_SIZE
    trash: bool = False
    exact: bool = False

    def changed(self, **changes: object) -> list[tuple[str, object]]:
        """The query with some parameters set (None: taken out); any change but of the page leads back to page 1."""
        gone = {*changes, "page"}
        kept: list[tuple[str, object]] = [(k, v) for k, v in self.params.multi_items() if k not in gone and v != ""]
        return kept + [(name, value) for name, value in changes.items() if value is not None]

    def without(self, parameter: str, value: str | None = None) -> list[tuple[str, object]]:
        """The query without one parameter, or without one of its values."""
        items = self.params.multi_items()
        gone = {(parameter, value)} if value is not None else {(k, v) for k, v in items if k == parameter}
        return [(k, v) for k, v in items if (k, clean(v)) not in gone and (k, v) not in gone and k != "page"]

    @property
    def query(self) -> str:
        """The whole query as text, for a form that acts on all it matches."""
        return urlencode(self.params.multi_items())

    @property
    def narrowed(self) -> bool:
        """Whether search or a filter leaves something out."""
        return bool(self.search or self.conditions)


def read(model: type[Any], params: QueryParams) -> Asked:
    """Read a list's query; what makes no sense falls back to the default, never to an error."""
    entity, params = entity_of(model), _known(model, params)
    sort = params.get("sortBy", "")
    known = sort in entity.sort
    return Asked(
        params=params,
        search=clean(params.get("search", ""))[:200],
        conditions=conditions(model, params, formats.zone()),
        sort=sort if known else "",
        descending=known and params.get("sort") == "desc",
        page=whole(params.get("page"), 1, FARTHEST),
        size=_size(params),
        trash=params.get("trash") == "1" and hasattr(model, "deleted_at"),
        exact=params.get("count") == "exact",
    )


def _known(model: type[Any], params: QueryParams) -> QueryParams:
    """What lists understand; nothing else an address carries gets into the links of a page."""
    names = {"search", "sortBy", "sort", "page", "pageSize", "trash", "count"}
    names |= {f"{f.name}__{op}" if op else f.name for f in filterable(model) for op in shape(f)[1]}
    return QueryParams([(name, value) for name, value in params.multi_items() if name in names])


def read_text(model: type[Any], query: str) -> Asked:
    """`read` of a query string that a form sent along."""
    return read(model, QueryParams(parse_qsl(query.removeprefix("?"), keep_blank_values=True)))


def _size(params: QueryParams) -> int:
    wished = whole(params.get("pageSize"), DEFAULT_SIZE, SIZES[-1])
    return wished if wished in SIZES else DEFAULT_SIZE


def whole(text: str | None, default: int, largest: int) -> int:
    if not text or not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 30:
        return default
    return min(max(int(text), 1), largest)
