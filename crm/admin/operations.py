"""Business verbs in the panel: a button that posts, or a small form first where the verb has options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from inspect import Parameter
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, create_model
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from wtforms import BooleanField, SelectField, StringField
from wtforms.form import BaseForm

from crm import access, schemas
from crm.admin import forms, pages, paths
from crm.admin.labels import title_of
from crm.admin.urls import key_of, view_of
from crm.admin.views import EntityView
from crm.admin.visitor import actor_of
from crm.entity import Operation, name_of, operations_of
from crm.errors import BadInput, CrmError
from crm.i18n import error_text, gettext, lazy
from crm.names import words
from crm.services import records


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
    own = PAGES.get(name_of(model), ()) if access.allows(session, record, "update") else ()
    return [*verbs, *(page.button(record) for page in own)]


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A page that one entity alone has, at /{identity}/{verb}/{key}; for those who may edit the record."""

    verb: str
    label: str
    icon: str

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


PAGES: dict[str, tuple[OwnPage, ...]] = {
    "user": (OwnPage("password", lazy("Set password"), "key"),),
    "role": (OwnPage("grants", lazy("Permissions"), "shield-check"),),
}


async def run(request: Request) -> Response:
    """GET asks for the options, POST does it: one transaction, the verb in the audit."""
    view, key = view_of(request, "details"), key_of(request)
    operation = operations_of(view.model).get(request.path_params["verb"])
    if operation is None:
        raise HTTPException(404)
    if request.method == "GET":
        return await _ask(request, view, key, operation, _form(operation), "")
    data = await request.form(max_fields=20_000)
    form = _form(operation)
    form.process(formdata=forms.FormValues(data))
    try:
        await _do(request, view, key, operation, _sent(operation, form))
    except CrmError as error:
        if error.status in (403, 404):
            raise
        if operation.options:
            return await _ask(request, view, key, operation, form, _show(form, error), status=error.status)
        return pages.redirect(request, _next(data, view, key), error_text(error), "error")
    message = gettext("%(what)s: done", what=gettext(words(operation.verb)))
    return pages.redirect(request, _next(data, view, key), message)


def _next(data: FormData, view: EntityView, key: int) -> str:
    """Back to the page that had the button, where it says so; else to the record."""
    return paths.safe(str(data.get("back") or ""), paths.details_of(view.model, key))


async def _do(request: Request, view: EntityView, key: int, operation: Operation, sent: Mapping[str, Any]) -> None:
    values = schemas.read(options_schema(operation), sent, by="name")
    database = pages.panel_of(request).database
    async with database.transaction_async(actor_of(request), verb=operation.verb) as session:
        await session.run_sync(_run, view.model, key, operation, values)


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
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        record = await session.run_sync(access.find, view.model, key)
        await session.run_sync(access.require_for, record, operation.verb)
        title = await session.run_sync(title_of, view.model, key)
    label, back = gettext(words(operation.verb)), paths.details_of(view.model, key)
    context = {
        "model_view": view,
        "operation": {"verb": operation.verb, "label": label, "doc": gettext(operation.doc), "tone": operation.tone},
        "form": form,
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


# ---------------------------------------------------------------------------------------------- options


def options_schema(operation: Operation) -> type[BaseModel]:
    """The verb's keyword-only parameters as a pydantic model."""
    given: dict[str, Any] = {
        p.name: (p.annotation, ... if p.default is Parameter.empty else p.default) for p in operation.options
    }
    config = ConfigDict(extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)
    return create_model(f"{operation.verb}_options", __config__=config, **given)


def _form(operation: Operation) -> BaseForm:
    form = BaseForm([(p.name, _input(p)) for p in operation.options])
    defaults = {p.name: p.default for p in operation.options if p.default not in (Parameter.empty, None)}
    form.process(data=defaults)
    return form


def _input(parameter: Parameter) -> Any:
    kind, label = _bare(parameter.annotation), lazy(words(parameter.name))
    if kind is bool:
        return BooleanField(label, name=parameter.name)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return SelectField(
            label,
            name=parameter.name,
            choices=[("", "–"), *((str(m), lazy(words(str(m)))) for m in kind)],
            validate_choice=False,
        )
    return StringField(label, name=parameter.name)


def _bare(annotation: Any) -> Any:
    """`int | None` → int"""
    if get_origin(annotation) in (Union, UnionType):
        return next(a for a in get_args(annotation) if a is not type(None))
    return annotation


def _sent(operation: Operation, form: BaseForm) -> dict[str, Any]:
    """What was typed; an empty input means that nothing was said."""
    values = {p.name: form[p.name].data for p in operation.options}
    return {name: value for name, value in values.items() if value not in ("", None)}


def _show(form: BaseForm, error: CrmError) -> str:
    if not isinstance(error, BadInput) or not error.errors:
        return error_text(error)
    for problem in error.errors:
        name = problem.field.partition(".")[0]
        if name in form:
            form[name].errors = [*form[name].errors, error_text(problem)]
    return error_text(error)
