"""Business verbs in the panel: a button that posts, or a small form first where the verb has options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from wtforms.form import BaseForm

from crm import access, schemas
from crm.admin import forms, mentions, pages, paths, unsaved, verb_options
from crm.admin.labels import title_of
from crm.admin.urls import key_of, view_of
from crm.admin.views import EntityView
from crm.admin.visitor import actor_of
from crm.db import actor_of as actor_of_session
from crm.entity import Operation, name_of, operations_of
from crm.errors import CrmError
from crm.i18n import error_text, gettext, lazy
from crm.names import words
from crm.services import records
from crm.services.email_composing import ABOUT


def offered(session: Session, record: Any) -> list[dict[str, Any]]:
    """Buttons {verb, label, icon, tone, url, asks} for what can be done to this record, by this actor, now."""
    model = type(record)
    verbs = [
        {
            "verb": operation.verb,
            "label": gettext(words(operation.verb)),
            "title": gettext(operation.doc),
            "icon": operation.icon,
            "tone": operation.tone,
            "url": paths.to(paths.identity(model), "do", record.id, operation.verb),
            "asks": bool(operation.options),
        }
        for operation in operations_of(model).values()
        if (operation.when is None or operation.when(record)) and access.allows(session, record, operation.verb)
    ]
    may_edit, actor = access.allows(session, record, "update"), actor_of_session(session)
    own = [p for p in PAGES.get(name_of(model), ()) if (actor.may(p.permission) if p.permission else may_edit)]
    return [*verbs, *(page.button(record) for page in own)]


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A page of its own, at /{identity}/{verb}/{key}; for those who have `permission`, else who may edit the record."""

    verb: str
    label: str
    icon: str
    permission: str = ""

    def button(self, record: Any) -> dict[str, Any]:
        url = paths.to(paths.identity(type(record)), self.verb, record.id)
        label = gettext(self.label)
        return {
            "verb": self.verb,
            "label": label,
            "title": label,
            "icon": self.icon,
            "tone": "",
            "url": url,
            "asks": True,
        }


_MAIL = OwnPage("mail", lazy("Write mail"), "mail", "create_email_message")
PAGES: dict[str, tuple[OwnPage, ...]] = {
    **dict.fromkeys(ABOUT, (_MAIL,)),
    "user": (OwnPage("password", lazy("Set password"), "key"),),
    "role": (OwnPage("grants", lazy("Permissions"), "shield-check"),),
}


async def run(request: Request) -> Response:
    """GET asks for the options, POST does it: one transaction, the verb in the audit."""
    view, key = view_of(request, "details"), key_of(request)
    operation = operations_of(view.model).get(request.path_params["verb"])
    if operation is None:
        raise HTTPException(404)
    access.require(actor_of(request), operation.permission)
    form = verb_options.form_of(operation)
    if request.method == "GET":
        if typed := unsaved.typed_in(request):
            form.process(formdata=forms.FormValues(typed))
        return await _ask(request, view, key, operation, form, "")
    data = await request.form(max_fields=20_000)
    form.process(formdata=forms.FormValues(data))
    try:
        await _do(request, view, key, operation, verb_options.sent(operation, form))
    except CrmError as error:
        if error.status in (403, 404):
            raise
        if operation.options:
            told = verb_options.show(operation, form, error)
            return await _ask(request, view, key, operation, form, told, status=error.status)
        return pages.redirect(request, _next(data, view, key), error_text(error), "error")
    message = gettext("%(what)s: done", what=gettext(words(operation.verb)))
    return pages.redirect(request, _next(data, view, key), message)


def _next(data: FormData, view: EntityView, key: int) -> str:
    """Back to the page that had the button, where it says so; else to the record."""
    return paths.safe(str(data.get("back") or ""), paths.details_of(view.model, key))


async def _do(request: Request, view: EntityView, key: int, operation: Operation, sent: Mapping[str, Any]) -> None:
    values = schemas.read(verb_options.schema_of(operation), sent, by="name")
    run = pages.panel_of(request).database.run
    await run(actor_of(request), _run, view.model, key, operation, values, verb=operation.verb)


def _run(session: Session, model: type[Any], key: int, operation: Operation, values: dict[str, Any]) -> None:
    record = access.find(session, model, key, lock=True)
    access.require_for(session, record, operation.verb)
    operation.run(session, record, **values)
    records.flush(session, model)


async def _ask(
    request: Request,
    view: EntityView,
    key: int,
    operation: Operation,
    form: BaseForm,
    error: str,
    *,
    status: int = 200,
) -> Response:
    is_first = request.method == "GET" and unsaved.in_state(request) is None
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        title = await session.run_sync(_prepare, view.model, key, operation, form, is_first)
    label, back = gettext(words(operation.verb)), paths.details_of(view.model, key)
    context = {
        "model_view": view,
        "operation": {"verb": operation.verb, "label": label, "doc": gettext(operation.doc), "tone": operation.tone},
        "form": form,
        "required": verb_options.required(operation),
        "naming": mentions.FIELDS.get(name_of(view.model), frozenset()),
        "error": error,
        "record": {"id": key, "title": title},
        "form_action": paths.to(view.identity, "do", key, operation.verb),
        "urls": {"details": back, "list": paths.list_of(view.model)},
        "breadcrumbs": [
            {"label": str(view.name_plural), "url": paths.list_of(view.model)},
            {"label": title, "url": back},
            {"label": label, "url": ""},
        ],
        "page_title": label,
    }
    return pages.render(request, "crm/operation.html", context, status)


def _prepare(session: Session, model: type[Any], key: int, operation: Operation, form: BaseForm, is_first: bool) -> str:
    """Whoever may not do it is not asked either; the record's title."""
    record = access.find(session, model, key)
    access.require_for(session, record, operation.verb)
    if is_first:
        verb_options.begin(operation, form, record)
    verb_options.name_choices(session, operation, form, record)
    return title_of(session, model, key)
