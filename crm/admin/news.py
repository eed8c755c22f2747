"""Notifications in the panel: what hangs on the bell, opening one, and which kinds somebody wants."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from crm import access, formats
from crm.admin import pages, paths, unsaved
from crm.admin.urls import key_of
from crm.admin.verb_options import LOOKS, Look
from crm.admin.visitor import actor_of
from crm.entity import operations_of, permission
from crm.i18n import gettext, lazy
from crm.models.notification import Notification
from crm.services import notification_preferences, notifications
from crm.services.notification_kinds import KINDS, OF_REMINDERS
from crm.services.notification_preferences import Wish
from crm.services.snoozes import Wait

ICONS = {
    "assigned": "user-plus",
    "mentioned": "at",
    "due": "alarm",
    "reminder": "alarm",
    "overdue": "alert-triangle",
    "follow_up": "player-track-next",
    "close_date": "calendar-due",
    "stale": "hourglass",
    "deal_won": "trophy",
    "deal_lost": "thumb-down",
    "export_ready": "download",
    "job_failed": "alert-circle",
}


#: how a reminder is put off from the bell, and in the form that asks
WAITS = {
    Wait.TEN_MINUTES: lazy("10 minutes"),
    Wait.ONE_HOUR: lazy("1 hour"),
    Wait.TOMORROW_MORNING: lazy("Tomorrow, 08:00"),
}
_CHOICES = Look(choices=lambda _session, _record: [(str(wait), str(label)) for wait, label in WAITS.items()])
LOOKS |= {(entity, "snooze", "wait"): _CHOICES for entity in ("notification", "reminder")}
#: how many the bell shows, and its page
FEW, MANY = 10, 50


async def page(request: Request) -> Response:
    """The newest fifty as a page: for phones, and without scripts."""
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        context = await session.run_sync(_latest, MANY)
    title, here = gettext("Notifications"), paths.to("news")
    more = {"page_title": title, "breadcrumbs": [{"label": title, "url": ""}], "back": here}
    return pages.render(request, "crm/news_page.html", {**context, **more})


async def latest(request: Request) -> Response:
    """The newest ten, as the part of a page that the bell shows; with `?count=1` only how many are unread."""
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        if request.query_params.get("count"):
            return JSONResponse({"unread": await session.run_sync(notifications.unread)})
        context = await session.run_sync(_latest, FEW)
    return pages.render(request, "crm/news.html", context)


def _latest(session: Session, most: int) -> dict[str, Any]:
    found = notifications.newest(session, most)
    return {"news": [_shown(session, one) for one in found], "waiting": notifications.unread(session)}


def _shown(session: Session, one: Notification) -> dict[str, Any]:
    snooze = operations_of(Notification)["snooze"]
    may_wait = snooze.when is not None and snooze.when(one) and access.allows(session, one, "snooze")
    return {
        "title": one.title,
        "when": formats.ago(one.created_at),
        "icon": ICONS.get(one.kind, "bell"),
        "is_read": one.read_at is not None,
        "url": paths.to("news", one.id, "open"),
        "body": one.body,
        "snooze_url": paths.to("notification", "do", one.id, "snooze") if may_wait else "",
        "waits": [{"value": str(wait), "label": str(label)} for wait, label in WAITS.items()] if may_wait else [],
    }


async def open_one(request: Request) -> Response:
    """Mark one of one's own as read, and go where it leads."""
    actor, key = actor_of(request), key_of(request)
    access.require(actor, permission(Notification, "view"))
    async with pages.panel_of(request).database.transaction_async(actor) as session:
        link = await session.run_sync(_open, key)
    return pages.redirect(request, _inside(link))


def _open(session: Session, key: int) -> str:
    found: Notification = access.find(session, Notification, key)
    if permission(Notification, "read") and access.allows(session, found, "read"):
        notifications.read(session, found)
    return found.link or paths.details_of(Notification, key)


def _inside(link: str) -> str:
    """Stored as if the panel were at /admin."""
    return paths.root.get() + link.removeprefix("/admin") if link.startswith("/admin/") else paths.to("")


async def read_all(request: Request) -> Response:
    actor = actor_of(request)
    access.require(actor, permission(Notification, "read"))
    async with pages.panel_of(request).database.transaction_async(actor) as session:
        await session.run_sync(notifications.read_all)
    form = await request.form()
    return pages.redirect(request, paths.safe(str(form.get("back") or ""), paths.list_of(Notification)))


async def preferences(request: Request) -> Response:
    """A table of kinds and ways to be told, kept by one POST."""
    actor, database = actor_of(request), pages.panel_of(request).database
    user_id = actor.user_id or 0
    if request.method == "POST":
        wanted = _wishes(await request.form())
        async with database.transaction_async(actor) as session:
            await session.run_sync(notification_preferences.keep, user_id, wanted)
        return pages.redirect(request, paths.to("preferences"), gettext("Saved."))
    async with database.read_only_async(actor) as session:
        held = await session.run_sync(notification_preferences.wishes, user_id)
    if typed := unsaved.typed_in(request):
        held = _wishes(typed)
    title = gettext("Notification preferences")
    rows = [_row(kind, wish) for kind, wish in held.items()]
    context = {"page_title": title, "rows": rows, "breadcrumbs": [{"label": title, "url": ""}]}
    return pages.render(request, "crm/preferences.html", context)


def _row(kind: str, wish: Wish) -> dict[str, Any]:
    label = gettext(KINDS[kind].label)
    own = kind in OF_REMINDERS
    return {"kind": kind, "label": label, "in_app": wish.in_app, "by_mail": wish.by_mail, "own_channel": own}


def _wishes(form: FormData) -> dict[str, Wish]:
    return {kind: Wish(f"app-{kind}" in form, f"mail-{kind}" in form) for kind in KINDS}
