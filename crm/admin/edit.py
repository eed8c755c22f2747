"""Create and edit pages: the form, what was wrong with it, and what happens when somebody else was faster."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from wtforms.form import BaseForm

from crm import access
from crm.admin import conflicts, forms, history, leaving, mentions, merging, pages, paths, unsaved
from crm.admin.labels import title_of
from crm.admin.merging import Merge, Snapshot
from crm.admin.urls import key_of, view_of
from crm.admin.views import EntityView
from crm.admin.visitor import actor_of
from crm.entity import entity_of, name_of, permission
from crm.errors import CrmError, StaleVersion
from crm.i18n import gettext, lazy
from crm.logs import logger
from crm.models.user import User
from crm.services import records

#: how often somebody who is overtaken while saving compares again
ATTEMPTS = 10
log = logger(__name__)
UNEXPECTED = lazy("This could not be saved. It has been noted; what you typed is still here.")


async def create(request: Request) -> Response:
    """GET the empty form (`?customer_id=3` fills it in), POST a new record."""
    view = view_of(request, "create")
    if request.method == "GET":
        typed = unsaved.typed_in(request)
        form = forms.typed(view.model, typed) if typed else forms.blank(view.model, _given(request, view))
        return await _form_page(request, view, form)
    form = forms.typed(view.model, await request.form(max_fields=20_000))
    try:
        record = await view.insert_model(request, forms.for_create(view.model, form))
    except CrmError as error:
        return await _refused(request, view, form, error)
    except Exception as error:
        return await _crashed(request, view, form, error)
    message = gettext("%(what)s created", what=str(view.name))
    return pages.redirect(request, await _next(request, view, record.id), message)


def _given(request: Request, view: EntityView) -> dict[str, str]:
    """What the address says; whose it would be if nothing were said is shown at once."""
    owner, actor = entity_of(view.model).owner, actor_of(request)
    shown = owner not in ("", "id") and actor.may(permission(User, "view"))
    return {**({owner: str(actor.user_id)} if shown else {}), **request.query_params}


async def edit(request: Request) -> Response:
    """GET the form of a record, POST what was changed in it."""
    view, key = view_of(request, "edit"), key_of(request)
    if request.method == "POST":
        return await _save(request, view, key)
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        shown = await session.run_sync(_shown, view.model, key)
    typed = unsaved.typed_in(request)
    form = _typed(request, view, key, typed)[0] if typed else _open(request, view.model, key, shown)
    return await _form_page(request, view, form, key=key)


def _typed(request: Request, view: EntityView, key: int, data: FormData) -> tuple[BaseForm, Snapshot | None]:
    """The form as it was sent, and what it had shown when it was opened."""
    form = forms.typed(view.model, data)
    base = merging.read(pages.panel_of(request).settings.signing_key, view.model, key, form)
    merging.take_theirs(form, base, data)
    return form, base


async def _save(request: Request, view: EntityView, key: int) -> Response:
    form, base = _typed(request, view, key, await request.form(max_fields=20_000))
    try:
        found, now = await _write(request, view, key, form, base)
    except CrmError as error:
        return await _refused(request, view, form, error, key=key)
    except Exception as error:
        return await _crashed(request, view, form, error, key=key)
    if found.clashes:
        return await _conflict(request, view, key, found, base, now)
    message = await _saved(request, view, key, found, base)
    address = leaving.after_save(actor_of(request), view.model, key, found.values) or await _next(request, view, key)
    return pages.redirect(request, address, message)


async def _write(
    request: Request, view: EntityView, key: int, form: BaseForm, base: Snapshot | None
) -> tuple[Merge, Snapshot]:
    """Write what was changed here, unless it clashes with what was saved meanwhile; and the record as it was before.

    Whoever is overtaken between reading and writing compares again.
    """
    for _ in range(ATTEMPTS):
        async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
            now = await session.run_sync(_shown, view.model, key)
        found = merging.merge(view.model, form, base, now.values)
        if found.clashes or not found.values:
            return found, now
        try:
            await view.update_model(request, key, found.values, expected_version=now.version)
            return found, now
        except StaleVersion:
            continue
    raise StaleVersion(records.STALE)


def _shown(session: Session, model: type[Any], key: int) -> Snapshot:
    """What a form of this record shows now; Forbidden if the actor may not change it."""
    record = access.find(session, model, key)
    access.require_for(session, record, "update")
    entry = history.last_entry(session, model, key)
    return Snapshot(record.version, entry, forms.initial(model, record))


def _open(request: Request, model: type[Any], key: int, shown: Snapshot, form: BaseForm | None = None) -> BaseForm:
    """The form (else one that holds what is stored), with the snapshot it will be compared to."""
    form = form or forms.filled(model, shown.values)
    form[forms.VERSION].data = str(shown.version)
    form[forms.SNAPSHOT].data = merging.sign(pages.panel_of(request).settings.signing_key, model, key, shown)
    return form


async def _saved(request: Request, view: EntityView, key: int, found: Merge, base: Snapshot | None) -> str:
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        others = await session.run_sync(conflicts.who_else, view.model, key, found, base)
    if others:
        return gettext("%(what)s saved, merged with the change of %(who)s", what=str(view.name), who=others)
    return gettext("%(what)s saved", what=str(view.name))


async def _next(request: Request, view: EntityView, key: int) -> str:
    """Where to go after saving: what the pressed button says, or back to where the form was opened from."""
    pressed = (await request.form(max_fields=20_000)).get("save")
    if pressed == "continue":
        return paths.edit_of(view.model, key)
    if pressed == "another":
        return paths.to(view.identity, "create")
    return paths.safe(request.query_params.get("back"), paths.details_of(view.model, key))


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
    details = paths.details_of(view.model, key) if key else ""
    back = paths.safe(request.query_params.get("back"), details or paths.list_of(view.model))
    if back != (details or paths.list_of(view.model)):
        own = paths.with_query(own, [("back", back)])
    context = {
        "model_view": view,
        "form": form,
        "fields": {f.name: f for f in forms.asked(view.model)},
        "groups": groups(view.model),
        "naming": mentions.FIELDS.get(name_of(view.model), frozenset()),
        "error": error,
        "record": {"id": key, "title": title},
        "form_action": own,
        "record_title": title,
        "urls": {"back": back, "details": back, "list": paths.list_of(view.model)},
        "breadcrumbs": [
            {"label": str(view.name_plural), "url": paths.list_of(view.model)},
            *([{"label": title, "url": details}] if key else []),
            {"label": gettext("Edit") if key else gettext("New record"), "url": ""},
        ],
        "page_title": title or str(view.name),
        **more,
    }
    return pages.render(request, "sqladmin/edit.html" if key else "sqladmin/create.html", context, status)


def groups(model: type[Any]) -> list[dict[str, Any]]:
    """The fields in groups {label, names}: what it is, what it is about, who it belongs to."""
    named = [f.name for f in forms.asked(model)]
    apart = [(gettext("Linked to"), forms.LINK), (gettext("Belongs to"), ("owner_id", "team_id", "assignee_id"))]
    made = [{"label": label, "names": [n for n in named if n in names]} for label, names in apart]
    taken = {n for group in made for n in group["names"]}
    return [{"label": "", "names": [n for n in named if n not in taken]}, *(g for g in made if g["names"])]


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


async def _conflict(
    request: Request, view: EntityView, key: int, found: Merge, base: Snapshot | None, now: Snapshot
) -> Response:
    """Both sides of what both changed; what is saved from here is compared to what stands here."""
    form = _open(request, view.model, key, now, conflicts.form_of(view.model, now.values, found))
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        told = partial(conflicts.rows, shown=base, stored=now.values)
        rows = await session.run_sync(told, view.model, key, found)
    sentence = gettext("Somebody else changed this record while you were editing it. Nothing you typed is lost.")
    return await _form_page(request, view, form, key=key, error=sentence, status=409, conflict={"rows": rows})
