"""The list page of an entity, live or of its trash, and the look-ups of forms and filters."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crm.admin import asked, bulk_links, chips, listing, pages, paths, queries
from crm.admin.asked import Asked
from crm.admin.filters import clean, filterable
from crm.admin.labels import KNOWN, known, shown_name
from crm.admin.urls import view_of
from crm.admin.views import EntityView
from crm.admin.visitor import actor_of
from crm.entity import entity_of, name_of, permission
from crm.errors import Forbidden
from crm.fields import Field, related, writable
from crm.i18n import gettext
from crm.models.pipeline import Pipeline
from crm.models.stage import Stage

MOST_LOOKED_UP = 20


async def list_page(request: Request) -> Response:
    """What the address asks for (see `asked`); `?trash=1` shows what was deleted, to those who may restore it."""
    view, actor = view_of(request), actor_of(request)
    wanted = asked.read(view.model, request.query_params)
    if wanted.trash and not (view.allows(actor, "restore") or view.allows(actor, "purge")):
        raise Forbidden("Forbidden")
    async with pages.panel_of(request).database.read_only_async(actor) as session:
        context = await session.run_sync(_context, view, wanted)
    can = {verb: view.allows(actor, verb) for verb in ("create", "export", "delete", "restore", "purge")}
    can["bulk"] = can["restore"] or can["purge"] if wanted.trash else can["delete"] or bool(context["bulk_links"])
    return pages.render(request, view.list_template, {**context, "can": can, "model_view": view})


def _context(session: Session, view: EntityView, wanted: Asked) -> dict[str, Any]:
    wanted, page = listing.read(session, view.model, wanted)
    crumbs = [{"label": str(view.name_plural), "url": paths.list_of(view.model)}]
    return {
        "columns": listing.columns(view.model, wanted),
        "rows": page.rows,
        "page": listing.paging(view.model, wanted, page),
        "filters": chips.offered(session, view.model, wanted),
        "chips": chips.chips(session, view.model, wanted),
        "quick": [] if wanted.trash else chips.quick(view.model, wanted),
        "search": wanted.search,
        "searchable": bool(entity_of(view.model).search),
        "bulk_links": [] if wanted.trash else bulk_links.offered(session, view),
        "trash": wanted.trash,
        "trash_url": paths.list_of(view.model, trash=1) if view.has_trash else "",
        "kept": wanted.changed(),
        "select_all_query": wanted.query,
        "urls": _urls(view, wanted),
        "breadcrumbs": [*crumbs, {"label": gettext("Trash"), "url": ""}] if wanted.trash else crumbs,
        "page_title": str(view.name_plural),
    }


def _urls(view: EntityView, wanted: Asked) -> dict[str, str]:
    here, identity = paths.list_of(view.model), view.identity
    bulk = {f"bulk_{verb}": paths.to(identity, "bulk", verb) for verb in ("delete", "restore", "purge")}
    return {
        "list": here,
        "bulk_link": paths.to(identity, "bulk-link"),
        "create": paths.to(identity, "create"),
        "export": paths.with_query(paths.to(identity, "export", "csv"), wanted.changed()),
        "lookup": paths.to(identity, "ajax", "lookup"),
        "clear": paths.list_of(view.model, trash=1) if wanted.trash else here,
        "clear_search": paths.with_query(here, wanted.changed(search=None)),
        "count_exact": paths.with_query(here, wanted.changed(count="exact")),
        **bulk,
    }


async def look_up(request: Request) -> Response:
    """`?name=customer_id&term=…` → {"results": [{id, text}]}, at most 20, of what the actor may see and view."""
    view, name = view_of(request), request.query_params.get("name", "")
    field = _look_up_field(view, name)
    target, actor = related(view.model, field), actor_of(request)
    if not actor.may(permission(target, "view")):
        raise Forbidden("Forbidden")
    term = clean(request.query_params.get("term", ""))[:200]
    async with pages.panel_of(request).database.read_only_async(actor) as session:
        found = await session.run_sync(matching, target, term)
    return JSONResponse({"results": found})


def _look_up_field(view: EntityView, name: str) -> Field:
    """Only what the form or a filter points at; a filter is as open as the list."""
    known = {f.name: f for f in (*writable(view.model), *filterable(view.model)) if f.relation is not None}
    if name not in known:
        raise HTTPException(404)
    return known[name]


def matching(session: Session, target: type[Any], term: str) -> list[dict[str, str]]:
    """{id, text} of records with the words of `term`, by name; all of them where nothing was typed."""
    if target is Stage:
        return _stages(session, term)
    if name_of(target) in KNOWN:
        return _known(session, target, term)
    name = shown_name(target)
    found = select(target.id, name).order_by(name, target.id).limit(MOST_LOOKED_UP)
    if term:
        found = found.where(queries.searched(target, term))
    return [{"id": str(key), "text": str(text)} for key, text in session.execute(found)]


def _known(session: Session, target: type[Any], term: str) -> list[dict[str, str]]:
    """There are few of these: found by what the reader calls them as well as by what they are called."""
    rows = session.execute(select(target.id, target.name)).all()
    return _with_term(term, sorted((known(target, row.name), row.name, row.id) for row in rows))


def _stages(session: Session, term: str) -> list[dict[str, str]]:
    """In the order deals go through them, found by what the reader calls them; of which pipeline, if there are more."""
    wanted = select(Stage.id, Stage.name, Stage.pipeline_id).order_by(Stage.pipeline_id, Stage.position, Stage.id)
    stages = session.execute(wanted).all()
    several = len({stage.pipeline_id for stage in stages}) > 1
    rows = session.execute(select(Pipeline.id, Pipeline.name)).all() if several else []
    pipelines = {row.id: known(Pipeline, row.name) for row in rows}
    told = []
    for stage in stages:
        of = f" · {pipelines[stage.pipeline_id]}" if stage.pipeline_id in pipelines else ""
        told.append((known(Stage, stage.name) + of, stage.name, stage.id))
    return _with_term(term, told)


def _with_term(term: str, told: list[tuple[str, str, int]]) -> list[dict[str, str]]:
    """Of (what the reader calls it, what it is called, number) those that either name tells."""
    found = [(key, text) for text, name, key in told if term.lower() in f"{text} {name}".lower()]
    return [{"id": str(key), "text": text} for key, text in found[:MOST_LOOKED_UP]]
