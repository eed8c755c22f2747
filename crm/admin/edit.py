"""Create and edit pages: the form, what was wrong with it, and what happens when somebody else was faster."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response
from wtforms.form import BaseForm

from crm import access
from crm.admin import forms, history, pages, paths
from crm.admin.labels import title_of
from crm.admin.urls import key_of, view_of
from crm.admin.views import EntityView
from crm.admin.visitor import actor_of
from crm.errors import CrmError, StaleVersion
from crm.fields import Field, Kind, writable
from crm.i18n import gettext, lazy
from crm.logs import logger

log = logger(__name__)
UNEXPECTED = lazy("This could not be saved. It has been noted; what you typed is still here.")


async def create(request: Request) -> Response:
    """GET the empty form (`?customer_id=3` fills it in), POST a new record."""
    view = view_of(request, "create")
    if request.method == "GET":
        return await _form_page(request, view, forms.blank(view.model, request.query_params))
    form = forms.typed(view.model, await request.form(max_fields=20_000))
    try:
        record = await view.insert_model(request, forms.for_create(view.model, form))
    except CrmError as error:
        return await _refused(request, view, form, error)
    except Exception as error:
        return await _crashed(request, view, form, error)
    message = gettext("%(what)s created", what=str(view.name))
    return pages.redirect(request, await _next(request, view, record.id), message)


async def edit(request: Request) -> Response:
    """GET the form of a record, POST what differs."""
    view, key = view_of(request, "edit"), key_of(request)
    panel = pages.panel_of(request)
    async with panel.database.read_only_async(actor_of(request)) as session:
        record, before = await session.run_sync(_editable, view.model, key)
    if request.method == "GET":
        return await _form_page(request, view, forms.of_record(view.model, record), key=key)
    form = forms.typed(view.model, await request.form(max_fields=20_000))
    return await _save(request, view, key, form, before)


async def _save(request: Request, view: EntityView, key: int, form: BaseForm, before: dict[str, Any]) -> Response:
    try:
        values = forms.changed(view.model, form, before)
        await view.update_model(request, key, values, expected_version=_version(form))
    except StaleVersion as error:
        return await _conflict(request, view, key, form, error)
    except CrmError as error:
        return await _refused(request, view, form, error, key=key)
    except Exception as error:
        return await _crashed(request, view, form, error, key=key)
    message = gettext("%(what)s saved", what=str(view.name))
    return pages.redirect(request, await _next(request, view, key), message)


def _editable(session: Session, model: type[Any], key: int) -> tuple[Any, dict[str, Any]]:
    """The record with all the form shows, and the form's values, read in one session."""
    record = access.find(session, model, key)
    access.require_for(session, record, "update")
    return record, forms.initial(model, record)


def _version(form: BaseForm) -> int | None:
    """The version the form was opened at; a form without one must not overwrite anything."""
    text = str(form[forms.VERSION].data or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


async def _next(request: Request, view: EntityView, key: int) -> str:
    """Where to go after saving: what the pressed button says."""
    pressed = (await request.form(max_fields=20_000)).get("save")
    if pressed == "continue":
        return paths.edit_of(view.model, key)
    if pressed == "another":
        return paths.to(view.identity, "create")
    return paths.details_of(view.model, key)


# ---------------------------------------------------------------------------------------------- pages


async def _form_page(
    request: Request,
    view: EntityView,
    form: BaseForm,
    *,
    key: int | None = None,
    error: str = "",
    status: int = 200,
    **more: Any,
) -> Response:
    panel = pages.panel_of(request)
    async with panel.database.read_only_async(actor_of(request)) as session:
        await session.run_sync(forms.name_choices, view.model, form)
        title = await session.run_sync(title_of, view.model, key) if key else ""
    own = paths.edit_of(view.model, key) if key else paths.to(view.identity, "create")
    back = paths.details_of(view.model, key) if key else paths.list_of(view.model)
    context = {
        "model_view": view,
        "form": form,
        "fields": {f.name: f for f in writable(view.model)},
        "groups": groups(view.model),
        "error": error,
        "record": {"id": key, "title": title},
        "form_action": own,
        "record_title": title,
        "urls": {"back": back, "details": back, "list": paths.list_of(view.model)},
        "breadcrumbs": [
            {"label": str(view.name_plural), "url": paths.list_of(view.model)},
            *([{"label": title, "url": back}] if key else []),
            {"label": gettext("Edit") if key else gettext("New record"), "url": ""},
        ],
        "page_title": title or str(view.name),
        **more,
    }
    return pages.render(request, "sqladmin/edit.html" if key else "sqladmin/create.html", context, status)


def groups(model: type[Any]) -> list[dict[str, Any]]:
    """The fields in groups {label, names}: what it is, who it belongs to."""
    named = [f.name for f in writable(model)]
    ownership = [n for n in named if n in ("owner_id", "team_id", "assignee_id")]
    rest = [n for n in named if n not in ownership]
    made = [{"label": "", "names": rest}]
    return [*made, {"label": gettext("Belongs to"), "names": ownership}] if ownership else made


async def _refused(
    request: Request, view: EntityView, form: BaseForm, error: CrmError, *, key: int | None = None
) -> Response:
    if error.status in (403, 404):
        raise error
    top = forms.show_errors(form, view.model, error)
    return await _form_page(request, view, form, key=key, error=top, status=error.status)


async def _crashed(
    request: Request, view: EntityView, form: BaseForm, error: Exception, *, key: int | None = None
) -> Response:
    log.error("panel_save_failed", entity=view.identity, key=key, error=type(error).__name__, exc_info=True)
    return await _form_page(request, view, form, key=key, error=gettext(UNEXPECTED), status=500)


async def _conflict(request: Request, view: EntityView, key: int, form: BaseForm, error: CrmError) -> Response:
    """Who changed what meanwhile, beside what was typed; saving again, on purpose, keeps what was typed."""
    opened = _version(form)
    panel = pages.panel_of(request)
    async with panel.database.read_only_async(actor_of(request)) as session:
        record, theirs = await session.run_sync(_editable, view.model, key)
        since = max(1, record.version - opened) if opened is not None and opened >= 0 else 1
        told = await session.run_sync(history.latest, view.model, key, min(since, 10))
        stored = forms.of_record(view.model, record)
        await session.run_sync(forms.name_choices, view.model, stored)
        await session.run_sync(forms.name_choices, view.model, form)
    differing = forms.changed(view.model, form, theirs)
    rows = [_versus(f, form, stored) for f in writable(view.model) if f.name in differing]
    form[forms.VERSION].data = str(record.version)
    conflict = {"changes": told, "differences": rows, "who": told[0]["who"] if told else ""}
    sentence = gettext("Somebody else changed this record while you were editing it. Nothing you typed is lost.")
    return await _form_page(request, view, form, key=key, error=sentence, status=409, conflict=conflict, stale=error)


def _versus(field: Field, mine: BaseForm, stored: BaseForm) -> dict[str, str]:
    return {
        "name": field.name,
        "label": gettext(field.label),
        "mine": _readable(field, mine),
        "theirs": _readable(field, stored),
    }


def _readable(field: Field, form: BaseForm) -> str:
    """What an input holds, as people read it."""
    entry: Any = form[field.name]
    if field.relation is not None:
        return ", ".join(o["text"] for o in entry.selected)
    if field.kind is Kind.BOOLEAN:
        return gettext("Yes") if entry.data else gettext("No")
    if field.kind is Kind.CHOICE:
        return next((str(text) for value, text in entry.choices if value == entry.data), "")
    return str(entry.data or "")
