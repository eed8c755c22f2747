"""Moving to the trash, taking out again, deleting for good: one record or many, by POST, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from crm import access
from crm.admin import asked, confirming, pages, paths, queries
from crm.admin.urls import key_of, view_of, whole
from crm.admin.views import EntityView
from crm.admin.visitor import actor_of
from crm.errors import BadInput, CrmError, Forbidden
from crm.i18n import error_text, gettext, lazy
from crm.services import records
from crm.services.chunks import chunks

MOST = 10_000
#: records a message offers to bring back: a cookie holds no more of their keys
MOST_UNDONE = 100
GONE = "Some of these records are no longer there; load the list again"
#: verb → where the record lies, what is done to it, what is said afterwards (one, many)
_VERBS: dict[str, tuple[str, Callable[[Session, list[Any]], int | None], str, str]] = {
    "delete": ("live", records.delete_many, lazy("Moved to the trash"), lazy("%(count)s records moved to the trash")),
    "restore": ("only", records.restore_many, lazy("Restored"), lazy("%(count)s records restored")),
    "purge": ("only", records.purge_many, lazy("Deleted for good"), lazy("%(count)s records deleted for good")),
}


async def one(request: Request) -> Response:
    """/{identity}/{verb}/{pk}: GET asks first, POST does it."""
    verb = _verb(request)
    view, key = _view(request, verb), key_of(request)
    if request.method != "POST":
        return await _ask_one(request, view, verb, key)
    try:
        along = await _remove(request, view, verb, [key])
    except CrmError as error:
        if error.status in (403, 404):
            raise
        here = paths.safe(request.query_params.get("back"), paths.details_of(view.model, key))
        return pages.redirect(request, here, error_text(error), "error")
    if verb == "restore":
        return pages.redirect(request, paths.details_of(view.model, key), _with_those(gettext(_VERBS[verb][2]), along))
    again = paths.list_of(view.model, trash=1) if verb == "purge" else paths.list_of(view.model)
    again = paths.safe(request.query_params.get("back"), again)
    if verb == "purge" or not view.has_trash:
        return pages.redirect(request, again, gettext("Deleted for good"))
    return pages.redirect(request, again, gettext(_VERBS[verb][2]), undo=_undo(request, view, verb, [key]))


async def many(request: Request) -> Response:
    """POST /{identity}/bulk/{verb}: `ids`, or `all=1` with the list's `query`: all of them, or none."""
    verb = _verb(request)
    view = _view(request, verb)
    form, query, back = await _sent(request, view)
    try:
        keys = await chosen(request, view, verb, form, query)
        along = await _remove(request, view, verb, keys)
    except CrmError as error:
        if error.status == 403:
            raise
        return pages.redirect(request, back, error_text(error), "error")
    told = _with_those(gettext(_VERBS[verb][3], count=len(keys)), along)
    return pages.redirect(request, back, told, undo=_undo(request, view, verb, keys))


def _undo(request: Request, view: EntityView, verb: str, keys: list[int]) -> pages.Undo | None:
    """How to take a deletion back; for as many as a cookie holds."""
    if verb != "delete" or not view.allows(actor_of(request), "restore") or len(keys) > MOST_UNDONE:
        return None
    if len(keys) == 1:
        return {"url": paths.to(view.identity, "restore", keys[0]), "ids": []}
    return {"url": paths.to(view.identity, "bulk", "restore"), "ids": keys}


def _with_those(told: str, along: int | None) -> str:
    """How many came back with what was restored."""
    if not along:
        return told
    more = gettext("with it: 1 record") if along == 1 else gettext("with it: %(count)s records", count=along)
    return f"{told}, {more}"


async def ask_many(request: Request) -> Response:
    """POST /{identity}/bulk/{verb}/ask: what the same request without `ask` would take along; changes nothing."""
    verb = _verb(request)
    view = _view(request, verb)
    form, query, back = await _sent(request, view)
    try:
        keys = await chosen(request, view, verb, form, query)
        async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
            await session.run_sync(_check_there, view.model, keys, _VERBS[verb][0])
    except BadInput as error:
        return pages.redirect(request, back, error_text(error), "error")
    sent = [(name, str(value)) for name, value in form.multi_items() if name in ("ids", "all", "query")]
    action = paths.to(view.identity, "bulk", verb)
    return await confirming.page(request, view, verb, keys, action=action, back=back, sent=sent)


async def _sent(request: Request, view: EntityView) -> tuple[FormData, str, str]:
    """The form of the list's bar, the query the list showed, and the way back to that list."""
    form = await request.form(max_fields=20_000)
    query = str(form.get("query") or "")
    here = paths.list_of(view.model)
    return form, query, paths.safe(f"{here}?{query}" if query else here, here)


async def _ask_one(request: Request, view: EntityView, verb: str, key: int) -> Response:
    if verb == "restore":
        raise HTTPException(405)
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        record = await session.run_sync(partial(access.find, trash=_VERBS[verb][0]), view.model, key)
        if verb == "delete":
            await session.run_sync(access.require_for, record, verb)
    action, back = paths.to(view.identity, verb, key), paths.details_of(view.model, key)
    return await confirming.page(request, view, verb, [key], action=action, back=back)


def _verb(request: Request) -> str:
    verb = str(request.path_params["verb"])
    if verb not in _VERBS:
        raise HTTPException(404)
    return verb


def _view(request: Request, verb: str) -> EntityView:
    view = view_of(request)
    if not view.allows(actor_of(request), verb):
        raise Forbidden("Forbidden")
    return view


async def chosen(request: Request, view: EntityView, verb: str, form: FormData, query: str) -> list[int]:
    """The keys that were ticked, or those of all that the list matches; raises BadInput if these are too many."""
    if form.get("all") != "1":
        keys = [whole(text) for text in form.getlist("ids")]
        if None in keys or not keys or len(keys) > MOST:
            raise BadInput("Choose up to %(most)s records", most=MOST)
        return list(dict.fromkeys(key for key in keys if key is not None))
    wanted = asked.read_text(view.model, query)
    if wanted.trash != (_VERBS[verb][0] == "only"):
        raise BadInput("Choose up to %(most)s records", most=MOST)
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        found = queries.narrowed(view.model, wanted)
        chosen: list[int] = await session.run_sync(_keys, found)
    if len(chosen) > MOST:
        raise BadInput("More than %(most)s records match; narrow the list first", most=MOST)
    return chosen


def _keys(session: Session, found: Any) -> list[int]:
    return list(queries.read_keys(session, found, limit=MOST + 1))


async def _remove(request: Request, view: EntityView, verb: str, keys: list[int]) -> int | None:
    """How many came back along with what was restored; None of other verbs."""
    return await pages.panel_of(request).database.run(actor_of(request), _act, view.model, verb, keys)


def _act(session: Session, model: type[Any], verb: str, keys: list[int]) -> int | None:
    """All or nothing: a record that has gone since, or may not be touched, stops the whole."""
    trash, act, _one, _many = _VERBS[verb]
    return act(session, [record for some in chunks(keys) for record in _load(session, model, some, trash)])


def _load(session: Session, model: type[Any], keys: Sequence[int], trash: str) -> Iterable[Any]:
    if len(keys) == 1:
        return [access.find(session, model, keys[0], trash=trash)]
    found = list(session.scalars(select(model).where(model.id.in_(keys)), execution_options={"trash": trash}))
    if len(found) != len(keys):
        raise BadInput(GONE)
    return found


def _check_there(session: Session, model: type[Any], keys: Sequence[int], trash: str) -> None:
    """Nobody learns what hangs on a record they do not see."""
    for some in chunks(keys):
        found = select(func.count(model.id)).where(model.id.in_(some))
        if session.scalar(found, execution_options={"trash": trash}) != len(some):
            raise BadInput(GONE)
