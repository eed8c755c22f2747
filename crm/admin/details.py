"""The details page: facts, related records, what can be done, what happened."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from crm import access
from crm.actor import Actor
from crm.admin import asked, cells, history, labels, pages, paths, record_parts, related_panels, starters
from crm.admin.operations import offered
from crm.admin.urls import key_of, view_of
from crm.admin.views import EntityView
from crm.admin.visitor import actor_of
from crm.db import actor_of as session_actor
from crm.entity import entity_of
from crm.errors import NotFound
from crm.fields import Field, Kind, fields_of, related
from crm.i18n import gettext

#: what the system keeps about every record; shown apart
SYSTEM = frozenset({"id", "version", "created_at", "updated_at", "created_by", "external_id", "path", "key"})


async def details(request: Request) -> Response:
    """A record the actor may see; one in the trash only for those who could restore it."""
    view, key, actor = view_of(request, "details"), key_of(request), actor_of(request)
    number = asked.whole(request.query_params.get("history"), 1, 100_000)
    async with pages.panel_of(request).database.read_only_async(actor) as session:
        context = await session.run_sync(_context, view, key, number)
    return pages.render(request, view.details_template, {**context, "model_view": view})


def _context(session: Session, view: EntityView, key: int, number: int) -> dict[str, Any]:
    actor = session_actor(session)
    model: Any = view.model
    record = find(session, view, key)
    trashed = getattr(record, "deleted_at", None) is not None
    entries, total = history.page(session, model, key, number)
    older = paths.details_of(model, key) + f"?history={number + 1}#history"
    title = labels.title_of(session, model, key)
    own_parts = record_parts.parts_of(session, record)
    drawn = {name for part in own_parts for name in part.get("draws", ())}
    shown = [field for field in facts(session, record) if field["name"] not in drawn]
    return {
        "record": {"id": key, "title": title, "subtitle": "", "trashed": trashed, "fields": shown},
        "operations": [] if trashed else offered(session, record),
        "starters": [] if trashed else starters.offered(session, record),
        "own_parts": own_parts,
        "panels": related_panels.of(session, model, key),
        "history": entries,
        "history_total": total,
        "history_more_url": older if total > number * history.SIZE else "",
        "trashable": view.has_trash,
        "urls": _urls(session, view, record, actor, trashed=trashed),
        "breadcrumbs": [
            {"label": str(view.name_plural), "url": paths.list_of(model)},
            {"label": title or f"{view.name} {key}", "url": ""},
        ],
        "page_title": title,
    }


def find(session: Session, view: EntityView, key: int) -> Any:
    """The record, in the trash too for those who could restore or purge it; raises NotFound."""
    actor = session_actor(session)
    wide = view.allows(actor, "restore") or view.allows(actor, "purge")
    record = access.find(session, view.model, key, trash="any" if wide else "live")
    if record is None:
        raise NotFound("%(what)s not found", what=str(view.name))
    return record


def facts(session: Session, record: Any) -> list[dict[str, Any]]:
    """Every field {label, name, cell, section, system, target, doc} of a record."""
    model, actor = type(record), session_actor(session)
    fields = list(fields_of(model).values())
    named = labels.resolve_rows(session, model, [f.name for f in fields], [record])
    return [
        {
            "label": gettext(field.label),
            "name": field.name,
            "cell": _cell(session, record, field, named, actor),
            "section": "record" if field.name in SYSTEM else "facts",
            "system": field.name in SYSTEM,
            "target": field.target,
            "doc": gettext(field.doc),
        }
        for field in fields
    ]


def _cell(session: Session, record: Any, field: Field, named: labels.Labels, actor: Actor) -> cells.Cell:
    if field.kind is not Kind.REFERENCES:
        return cells.cell(type(record), field, record, named, actor)
    target = related(type(record), field)
    shown = labels.resolve(session, target, (other.id for other in getattr(record, field.name)))
    return cells.references(target, list(shown.items()), actor)


def _urls(session: Session, view: EntityView, record: Any, actor: Actor, *, trashed: bool) -> dict[str, str]:
    """Only what the actor may really do to this very record."""
    key, verbs = record.id, entity_of(view.model).verbs
    made = {"list": paths.list_of(view.model)}
    if trashed:
        made["list"] = paths.list_of(view.model, trash=1)
        if access.allows(session, record, "delete"):
            made["restore"] = paths.to(view.identity, "restore", key)
        if access.allows(session, record, "purge"):
            made["purge"] = paths.to(view.identity, "purge", key)
        return made
    if "update" in verbs and access.allows(session, record, "update"):
        made["edit"] = paths.edit_of(view.model, key)
    if "delete" in verbs and access.allows(session, record, "delete"):
        made["delete"] = paths.to(view.identity, "delete", key)
    return made
