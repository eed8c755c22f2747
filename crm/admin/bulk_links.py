"""Many records of a list into a group or under a tag, and out again: by POST, in one transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from crm import access
from crm.admin import pages, paths, removal
from crm.admin.labels import shown_name
from crm.admin.urls import view_of, whole
from crm.admin.views import EntityView
from crm.admin.visitor import actor_of
from crm.db import actor_of as session_actor
from crm.entity import permission
from crm.errors import BadInput, CrmError, Forbidden
from crm.fields import Field, Kind, related, writable
from crm.i18n import error_text, gettext, lazy
from crm.services import contact_groups

#: to-many field → what the bar says for coming in and going out
_NAMES = {
    "tags": (lazy("Add tag"), lazy("Remove tag")),
    "groups": (lazy("Add to group"), lazy("Remove from group")),
}
_MOST_OFFERED = 100


def offered(session: Session, view: EntityView) -> list[dict[str, Any]]:
    """Groups of choices {label, choices: [{value, text}]} for the bar under a list; nothing without the right."""
    actor = session_actor(session)
    if not view.allows(actor, "update"):
        return []
    made = []
    for field in _fields(view):
        target = related(view.model, field)
        if not actor.may(permission(target, "view")):
            continue
        name = shown_name(target)
        rows = session.execute(select(target.id, name).order_by(name, target.id).limit(_MOST_OFFERED)).all()
        for sign, label in zip("+-", _NAMES[field.name], strict=True):
            choices = [{"value": f"{sign}{field.name}:{key}", "text": str(text)} for key, text in rows]
            made += [{"label": str(label), "choices": choices}] if choices else []
    return made


async def change(request: Request) -> Response:
    """POST /{identity}/bulk-link: `link` says what (`+tags:5`), `ids` or `all=1` with `query` to which records."""
    view = view_of(request)
    if not view.allows(actor_of(request), "update"):
        raise Forbidden("Forbidden")
    form = await request.form(max_fields=20_000)
    query = str(form.get("query") or "")
    here = paths.list_of(view.model)
    back = paths.safe(here + (f"?{query}" if query else ""), here)
    try:
        sign, name, target = _link(view, str(form.get("link") or ""))
        keys = await removal.chosen(request, view, "delete", form, query)
        run = pages.panel_of(request).database.run
        changed = await run(actor_of(request), _put, view.model, keys, name, target, sign == "-")
    except CrmError as error:
        if error.status == 403:
            raise
        return pages.redirect(request, back, error_text(error), "error")
    return pages.redirect(request, back, gettext("%(count)s records changed", count=changed))


def _put(session: Session, model: type[Any], keys: list[int], name: str, target: int, out: bool) -> int:
    field = next(f for f in writable(model) if f.name == name)
    other = access.find(session, related(model, field), target)
    return contact_groups.put(session, model, keys, name, other, out=out)


def _link(view: EntityView, text: str) -> tuple[str, str, int]:
    """`+tags:5` → what to do, the field and the number; 404 for what no list offers."""
    sign, (name, _, key) = text[:1], text[1:].partition(":")
    number = whole(key)
    if not text:
        raise BadInput("Choose a tag or a group")
    if sign not in ("+", "-") or number is None or name not in {f.name for f in _fields(view)}:
        raise HTTPException(404)
    return sign, name, number


def _fields(view: EntityView) -> list[Field]:
    return [f for f in writable(view.model) if f.kind is Kind.REFERENCES and f.name in _NAMES]
