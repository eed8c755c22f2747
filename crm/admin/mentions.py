"""Colleagues whom a text can name with @, while it is being typed."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crm.admin import pages
from crm.admin.filters import clean
from crm.admin.visitor import actor_of
from crm.services import mentions, news

#: entity → the inputs in which @ offers colleagues
FIELDS: dict[str, frozenset[str]] = {model.__tablename__: frozenset(names) for model, names in news.TEXTS.items()}


async def suggest(request: Request) -> Response:
    """`?term=ma` → {"results": [{username, name}]}, those the visitor sees, as many as fit below a line."""
    term = clean(request.query_params.get("term", ""))[:80]
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        found = await session.run_sync(mentions.colleagues, term)
    return JSONResponse({"results": [{"username": one.username, "name": one.name} for one in found]})
