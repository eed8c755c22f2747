"""What a role grants: a matrix of permissions, each with nothing or a scope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from crm import access
from crm.actor import Scope
from crm.admin import pages, paths, unsaved
from crm.admin.urls import key_of
from crm.admin.visitor import actor_of
from crm.db import actor_of as session_actor
from crm.entity import entity_of, titles_of
from crm.errors import CrmError, StaleVersion
from crm.i18n import error_text, gettext
from crm.models.permission import Permission
from crm.models.role import Role
from crm.names import words
from crm.services import records, roles
from crm.services.permissions import rights


async def grants(request: Request) -> Response:
    """GET the matrix, POST it back: `grant-<permission>` is a scope or empty."""
    key, panel, actor = key_of(request), pages.panel_of(request), actor_of(request)
    if request.method == "GET":
        return await _page(request, key)
    form = await request.form(max_fields=20_000)
    try:
        async with panel.database.transaction_async(actor) as session:
            await session.run_sync(_save, key, form)
    except CrmError as error:
        if error.status in (403, 404):
            raise
        return await _page(request, key, error_text(error), error.status)
    return pages.redirect(request, paths.details_of(Role, key), gettext("The permissions have been saved."))


def _save(session: Session, key: int, form: FormData) -> None:
    role = access.find(session, Role, key)
    if str(form.get("version")) != str(role.version):
        raise StaleVersion(records.STALE)
    chosen: dict[int, Scope] = {}
    for row in session.scalars(select(Permission)):
        scope = str(form.get(f"grant-{row.name}") or "")
        if scope in set(Scope):
            chosen[row.id] = Scope(scope)
    roles.set_grants(session, role, chosen)


async def _page(request: Request, key: int, error: str = "", status: int = 200) -> Response:
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        context = await session.run_sync(_context, key, unsaved.typed_in(request))
    return pages.render(request, "crm/grants.html", {**context, "error": error}, status)


def _context(session: Session, key: int, typed: FormData | None) -> dict[str, Any]:
    role = access.find(session, Role, key)
    access.require_for(session, role, "update")
    held = {grant.permission.name: str(grant.scope) for grant in role.grants}
    if typed:
        held = {name.removeprefix("grant-"): str(scope) for name, scope in typed.items() if name.startswith("grant-")}
    known = set(session.scalars(select(Permission.name)))
    title = gettext("Permissions of %(name)s", name=role.name)
    return {
        "record": {"id": key, "title": role.name, "version": typed.get("version") if typed else role.version},
        "sections": _sections(session, held, known),
        "scopes": [{"value": str(s), "label": gettext(words(str(s)))} for s in Scope],
        "form_action": paths.to("role", "grants", key),
        "urls": {"back": paths.details_of(Role, key)},
        "breadcrumbs": [
            {"label": gettext("Roles"), "url": paths.list_of(Role)},
            {"label": role.name, "url": paths.details_of(Role, key)},
            {"label": gettext("Permissions"), "url": ""},
        ],
        "page_title": title,
    }


def _sections(session: Session, held: dict[str, str], known: Iterable[str]) -> list[dict[str, Any]]:
    """One per entity {label, rows: [{name, label, scope, scoped, locked}]}; locked: more than the actor has."""
    sections: dict[str, dict[str, Any]] = {}
    actor = session_actor(session)
    for right in rights().values():
        if right.name not in known:
            continue
        label = gettext(titles_of(right.model))
        section = sections.setdefault(label, {"label": label, "rows": []})
        entity = entity_of(right.model)
        section["rows"].append(
            {
                "name": right.name,
                "label": gettext(words(right.action)),
                "scope": held.get(right.name, ""),
                "scoped": bool(entity.owner or entity.through),
                "locked": not actor.may(right.name),
            }
        )
    return list(sections.values())
