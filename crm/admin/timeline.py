"""The timeline of a customer, a contact or a deal in the panel: on its page, page by page, with a form for a note."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from crm import access, formats, schemas
from crm.admin import history_words, labels, pages, paths, unsaved
from crm.admin.record_parts import record_part
from crm.admin.urls import key_of, view_of
from crm.admin.visitor import actor_of
from crm.db import actor_of as session_actor
from crm.entity import REGISTRY, permission
from crm.errors import BadInput, CrmError
from crm.i18n import error_text, gettext, lazy
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.email_message import EmailMessage
from crm.models.interaction import Interaction
from crm.models.opportunity import Opportunity
from crm.names import words
from crm.services import records, timeline
from crm.services.timeline_entries import SUBJECTS, Entry
from crm.services.timeline_places import Place, read_place, write_place
from crm.services.timeline_sources import SOURCES

SIZE = 15
#: kind → what its chip says
_KINDS = {
    "interaction": lazy("Interactions"),
    "task": lazy("Tasks"),
    "deal": lazy("Opportunities"),
    "file": lazy("Files"),
    "email": lazy("E-mails"),
    "status": lazy("Status"),
    "change": lazy("Changes"),
}
_ICONS = {
    "call": "phone",
    "meeting": "users",
    "email": "mail",
    "note": "note",
    "message": "message",
    "visit": "map-pin",
    "completed": "circle-check",
    "closed": "flag-check",
    "reopened": "rotate",
}
_KIND_ICONS = {
    "task": "checkbox",
    "deal": "target-arrow",
    "file": "paperclip",
    "email": "mail-forward",
    "status": "flag",
    "change": "pencil",
}
_TOLD = {
    ("task", "created"): lazy("New task"),
    ("task", "completed"): lazy("Task done"),
    ("file", "added"): lazy("File added"),
    ("change", "create"): lazy("Record made"),
}


@record_part(Customer, "crm/timeline.html")
@record_part(Contact, "crm/timeline.html")
@record_part(Opportunity, "crm/timeline.html")
def part(session: Session, record: Any) -> dict[str, Any] | None:
    """The newest entries; nothing for what lies in the trash."""
    return None if record.deleted_at is not None else shown(session, type(record), record.id)


async def page(request: Request) -> Response:
    """GET /{identity}/timeline/{pk}?kinds=…&cursor=…: a page of its own; for our script, the part alone."""
    view, key = view_of(request, "details"), key_of(request)
    if view.model not in SUBJECTS:
        raise HTTPException(404)
    kinds = [kind for kind in request.query_params.getlist("kinds") if kind in timeline.KINDS]
    after = read_place(request.query_params.get("cursor", ""))
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        title = await session.run_sync(labels.title_of, view.model, key)
        part = await session.run_sync(lambda s: shown(s, view.model, key, kinds=kinds, after=after))
    part["typed"] = unsaved.typed_in(request)
    back = paths.details_of(view.model, key)
    crumbs = [
        {"label": str(view.name_plural), "url": paths.list_of(view.model)},
        {"label": title, "url": back},
        {"label": gettext("Timeline"), "url": ""},
    ]
    context = {"part": part, "record": {"id": key, "title": title}, "model_view": view, "breadcrumbs": crumbs}
    alone = request.headers.get("x-part") == "timeline"
    return pages.render(request, "crm/timeline_part.html" if alone else "crm/timeline_page.html", context)


async def add(request: Request) -> Response:
    """POST /{identity}/timeline/{pk}: a note or a call, linked to the record."""
    view, key = view_of(request, "details"), key_of(request)
    if view.model not in SUBJECTS:
        raise HTTPException(404)
    access.require(actor_of(request), permission(Interaction, "create"))
    form = await request.form()
    back = paths.details_of(view.model, key) + "#timeline"
    sent = {name: str(form.get(name) or "") for name in ("kind", "subject", "body")}
    sent[f"{SUBJECTS[view.model]}_id"] = str(key)
    try:
        if not sent["subject"].strip():
            raise BadInput("Say in a few words what it was about")
        values = schemas.parse(Interaction, "create", sent, by="name")
        async with pages.panel_of(request).database.transaction_async(actor_of(request)) as session:
            await session.run_sync(access.find, view.model, key)
            await session.run_sync(records.create, Interaction, values)
    except CrmError as error:
        if error.status in (403, 404):
            raise
        return pages.redirect(request, back, error_text(error), "error")
    return pages.redirect(request, back, gettext("Written down"))


def shown(
    session: Session, model: type[Any], key: int, *, kinds: Sequence[str] = (), after: Place | None = None
) -> dict[str, Any]:
    """{entries, chips, older_url, post_url, more}: what the template draws; `more`: it is not the first page."""
    found, following = timeline.page(session, model, key, kinds=kinds, after=after, size=SIZE)
    actor = session_actor(session)
    here = paths.to(paths.identity(model), "timeline", key)
    asked = [("kinds", kind) for kind in kinds]
    older = paths.with_query(here, [*asked, ("cursor", write_place(following))]) if following else ""
    may_write = actor.may(permission(Interaction, "create"))
    return {
        "entries": [_drawn(entry) for entry in found],
        "chips": _chips(session, here, kinds, SUBJECTS[model]),
        "older_url": older,
        "post_url": here if may_write else "",
        "more": after is not None,
        "back_url": paths.details_of(model, key),
    }


def _chips(session: Session, here: str, kinds: Sequence[str], subject: str) -> list[dict[str, Any]]:
    """One for everything, one for each kind that the reader may see at all."""
    actor = session_actor(session)
    seen = {source.kind for source in SOURCES if actor.may(permission(source.model, "view"))}
    seen -= {"status"} if subject != "customer" else set()
    chips: list[dict[str, Any]] = [{"label": gettext("All"), "url": here, "active": not kinds}]
    for kind, label in _KINDS.items():
        if kind in seen:
            url = paths.with_query(here, [("kinds", kind)])
            chips.append({"label": str(label), "url": url, "active": kind in kinds})
    return chips


def _drawn(entry: Entry) -> dict[str, Any]:
    target = REGISTRY.get(entry.record_type or "")
    told = _TOLD.get((entry.kind, entry.event))
    return {
        "kind": entry.kind,
        "icon": _ICONS.get(entry.event) if entry.kind != "email" else None,
        "fallback": _KIND_ICONS.get(entry.kind, "point"),
        "who": entry.user_name,
        "what": str(told) if told is not None else _what(entry),
        "title": entry.title or (entry.record_name if entry.kind == "deal" else ""),
        "url": _url(entry, target),
        "about": entry.record_name if entry.kind == "interaction" else "",
        "mail": _mail(entry),
        "text": entry.text,
        "when": formats.ago(entry.at),
        "at": formats.moment(entry.at),
        "before": _side(entry, "before"),
        "after": _side(entry, "after"),
        "fields": [gettext(words(_snake(name))) for name in entry.details.get("fields", ())],
    }


def _mail(entry: Entry) -> dict[str, str] | None:
    """{to, state, label, url} of an interaction that was sent as a mail."""
    state = entry.details.get("emailState")
    if not state:
        return None
    url = paths.details_of(EmailMessage, entry.details["emailId"])
    return {"to": entry.details["emailTo"], "state": state, "label": gettext(words(state)), "url": url}


def _what(entry: Entry) -> str:
    if entry.kind == "status":
        return gettext("Status")
    if entry.kind == "change" and entry.event == "update":
        return gettext("Changed")
    if entry.kind == "email":
        return f"{gettext('E-mail')} · {gettext(words(entry.event))}"
    return gettext(words(entry.event))


def _url(entry: Entry, target: type[Any] | None) -> str:
    if entry.kind == "interaction":
        return paths.details_of(Interaction, entry.id)
    if target is None or entry.record_id is None or entry.kind in ("status", "change"):
        return ""
    return paths.details_of(target, entry.record_id) if entry.record_name else ""


def _side(entry: Entry, name: str) -> str:
    """States and the stages every installation begins with are known in both languages."""
    value = entry.details.get(name)
    if not value:
        return ""
    if entry.kind == "status":
        return gettext(words(value))
    return history_words.side(str(entry.event), str(value))


def _snake(name: str) -> str:
    """`legalName` → `legal_name`"""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
