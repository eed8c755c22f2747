"""The inbox: mail that was captured because no mail server is set, as its recipient would see it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from crm import access, formats
from crm.admin import asked, pages, paths
from crm.admin.mail_frames import framed
from crm.admin.urls import key_of
from crm.admin.visitor import actor_of
from crm.entity import permission
from crm.errors import Forbidden
from crm.i18n import gettext
from crm.models.email_message import EmailMessage, EmailState
from crm.services import email_recipients

SIZE = 50


async def inbox(request: Request) -> Response:
    """Captured mail, newest first."""
    _require(request)
    number = asked.whole(request.query_params.get("page"), 1, 1_000_000)
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        messages = await session.run_sync(_page, number)
    here = paths.to("inbox")
    context = {
        "messages": messages[:SIZE],
        "prev_url": f"{here}?page={number - 1}" if number > 1 else "",
        "next_url": f"{here}?page={number + 1}" if len(messages) > SIZE else "",
        "breadcrumbs": [{"label": gettext("Inbox"), "url": ""}],
        "page_title": gettext("Inbox"),
    }
    return pages.render(request, "crm/inbox.html", context)


async def message(request: Request) -> Response:
    """One mail; its HTML stands in a sandboxed frame of its own."""
    _require(request)
    found = await _find(request)
    context = {
        "message": _told(found),
        "text_body": found.text_body,
        "body_url": paths.to("inbox", found.id, "body") if found.html_body else "",
        "breadcrumbs": [
            {"label": gettext("Inbox"), "url": paths.to("inbox")},
            {"label": found.subject, "url": ""},
        ],
        "page_title": found.subject,
    }
    return pages.render(request, "crm/message.html", context)


async def body(request: Request) -> Response:
    """The HTML of a mail, for the frame."""
    _require(request)
    found = await _find(request)
    return framed(found.html_body)


def _require(request: Request) -> None:
    if not actor_of(request).may(permission(EmailMessage, "view")):
        raise Forbidden("Forbidden")


async def _find(request: Request) -> Any:
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        return await session.run_sync(access.find, EmailMessage, key_of(request))


def _page(session: Session, number: int) -> list[dict[str, Any]]:
    wanted = select(EmailMessage).where(EmailMessage.state == EmailState.CAPTURED)
    rows = session.scalars(wanted.order_by(EmailMessage.id.desc()).limit(SIZE + 1).offset((number - 1) * SIZE))
    return [_told(row) for row in rows]


def _told(row: EmailMessage) -> dict[str, Any]:
    to = email_recipients.shown(row.to_name, row.to_address)
    when = formats.ago(row.created_at)
    return {"id": row.id, "subject": row.subject, "to": to, "when": when, "url": paths.to("inbox", row.id)}
