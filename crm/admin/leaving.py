"""Somebody leaves: what is open and theirs, counted, and the form that gives it to a colleague."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from crm import access, formats
from crm.actor import Actor
from crm.admin import pages, paths, unsaved
from crm.admin.labels import resolve, title_of
from crm.admin.urls import key_of, view_of, whole
from crm.admin.visitor import actor_of
from crm.entity import operations_of
from crm.errors import CrmError, invalid
from crm.i18n import error_text, gettext
from crm.models.user import User
from crm.names import words
from crm.services import handover
from crm.services.handover import Kind

_ICONS = {
    Kind.CUSTOMERS: "building",
    Kind.CONTACTS: "address-book",
    Kind.OPPORTUNITIES: "target-arrow",
    Kind.TASKS: "checkbox",
    Kind.TASK_SERIES: "repeat",
    Kind.SCHEDULES: "calendar-repeat",
    Kind.REMINDERS: "alarm",
}


def after_save(actor: Actor, model: type[Any], key: int, values: Mapping[str, Any]) -> str:
    """Where to go after a user was disabled: to what they leave behind; empty for everything else."""
    if model is User and values.get("status") is False and actor.may(operations_of(User)["hand_over"].permission):
        return paths.to("user", "do", key, "hand_over", left=1)
    return ""


async def page(request: Request) -> Response:
    """/user/do/{pk}/hand_over: GET counts and asks, POST hands over."""
    view_of(request, "details", identity="user")
    key = key_of(request)
    if request.method == "GET":
        return await _ask(request, key, data=unsaved.typed_in(request))
    data = await request.form(max_fields=100)
    try:
        done = await pages.panel_of(request).database.run(actor_of(request), _give, key, data, verb="hand_over")
    except CrmError as error:
        if error.status in (403, 404):
            raise
        return await _ask(request, key, data=data, error=error_text(error), status=error.status)
    message = gettext("Handed over: %(count)s records", count=formats.number(sum(done.values())))
    return pages.redirect(request, paths.details_of(User, key) if _is_live(data) else paths.list_of(User), message)


def _is_live(data: FormData) -> bool:
    return data.get("trashed") != "1"


def _give(session: Session, key: int, data: FormData) -> dict[Kind, int]:
    user = _find(session, key, lock=True)
    receiver = whole(data.get("to_user_id"))
    if receiver is None:
        raise invalid("toUserId", "must be another user, who may sign in")
    kinds = [kind for kind in Kind if data.get(f"kind-{kind}")]
    disable = data.get("disable") is not None and bool(user.status)
    return handover.hand_over(session, user, to_user_id=receiver, kinds=kinds, disable=disable)


def _find(session: Session, key: int, *, lock: bool = False) -> User:
    """Also one who lies in the trash."""
    user: User = access.find(session, User, key, trash="any", lock=lock)
    access.require_for(session, user, "hand_over")
    return user


async def _ask(
    request: Request, key: int, *, data: FormData | None = None, error: str = "", status: int = 200
) -> Response:
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        context = await session.run_sync(_context, key, data)
    context |= {"error": error, "left": context["left"] and request.query_params.get("left") == "1"}
    return pages.render(request, "crm/hand_over.html", context, status)


def _context(session: Session, key: int, data: FormData | None) -> dict[str, Any]:
    user = _find(session, key)
    counts, title = handover.open_records(session, user), title_of(session, User, key)
    trashed, chosen = user.deleted_at is not None, whole(data.get("to_user_id")) if data else None
    named = resolve(session, User, [chosen] if chosen else [])
    back = paths.list_of(User) if trashed else paths.details_of(User, key)
    return {
        "title": title,
        "kinds": [_row(kind, number, data) for kind, number in counts.items()],
        "total": sum(counts.values()),
        "receiver": [{"id": number, "text": label.text} for number, label in named.items()],
        "lookup_url": paths.to("user", "ajax", "lookup"),
        "may_disable": bool(user.status) and not trashed and access.allows(session, user, "update"),
        "disable": bool(data and data.get("disable")),
        "trashed": trashed,
        "left": not user.status,
        "form_action": paths.to("user", "do", key, "hand_over"),
        "urls": {"back": back},
        "breadcrumbs": [
            {"label": gettext("Users"), "url": paths.list_of(User)},
            {"label": title, "url": back},
            {"label": gettext("Hand over"), "url": ""},
        ],
        "page_title": gettext("Hand over"),
    }


def _row(kind: Kind, number: int, data: FormData | None) -> dict[str, Any]:
    return {
        "name": f"kind-{kind}",
        "label": gettext(words(str(kind))),
        "icon": _ICONS[kind],
        "count": formats.number(number),
        "empty": not number,
        "checked": bool(number) and (data is None or bool(data.get(f"kind-{kind}"))),
    }
