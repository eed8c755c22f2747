"""The box in the top bar: a page of all that was found, and what it shows while one types."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crm.admin import pages, paths
from crm.admin.filters import clean
from crm.admin.visitor import actor_of
from crm.entity import entity_of, titles_of
from crm.i18n import gettext
from crm.names import words
from crm.services.search import KINDS, MOST, Hit, search

LONGEST = 200
SUGGESTED = 5


async def page(request: Request) -> Response:
    """`?q=`: everything that was found, by kind."""
    typed = _typed(request)
    groups = await _found(request, typed, MOST)
    context = {
        "q": typed,
        "groups": groups,
        "page_title": gettext("Search"),
        "breadcrumbs": [{"label": gettext("Search"), "url": ""}],
    }
    return pages.render(request, "crm/search.html", context)


async def suggest(request: Request) -> Response:
    """`?q=` → {"groups": [{label, icon, hits: [{title, subtitle, url}]}]}, the best five of each kind."""
    return JSONResponse({"groups": await _found(request, _typed(request), SUGGESTED)})


def _typed(request: Request) -> str:
    return clean(request.query_params.get("q", ""))[:LONGEST].strip()


async def _found(request: Request, typed: str, limit: int) -> list[dict[str, Any]]:
    if not typed:
        return []
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        hits = await session.run_sync(search, typed, limit=limit)
    return _grouped(hits)


def _grouped(hits: list[Hit]) -> list[dict[str, Any]]:
    """Kinds in the order of their best hit."""
    order = list(dict.fromkeys(hit.kind for hit in hits))
    by_kind = groupby(sorted(hits, key=lambda hit: order.index(hit.kind)), key=lambda hit: hit.kind)
    return [_group(kind, list(found)) for kind, found in by_kind]


def _group(kind: str, hits: list[Hit]) -> dict[str, Any]:
    model, _ = KINDS[kind]
    return {
        "label": gettext(titles_of(model)),
        "icon": entity_of(model).icon,
        "hits": [{"title": h.title, "subtitle": _word(h), "url": paths.details_of(model, h.id)} for h in hits],
    }


def _word(hit: Hit) -> str:
    """States are told in the reader's language."""
    return gettext(words(hit.subtitle)) if hit.kind == "task" else hit.subtitle
