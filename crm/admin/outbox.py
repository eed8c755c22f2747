"""The outbox: all mail with its state and the server's answer, what needs a decision first; and a mail's own page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from crm import access, formats
from crm.admin import asked, job_views, pages, paths
from crm.admin.operations import offered
from crm.admin.record_parts import record_part
from crm.admin.visitor import actor_of
from crm.entity import permission
from crm.errors import Forbidden
from crm.i18n import gettext
from crm.models.email_message import EmailMessage, EmailState
from crm.models.job import Job, JobStatus
from crm.models.job_event import JobEvent
from crm.services import email_copies, email_fates, email_recipients, emails, own_words

SIZE = 50
#: what somebody must decide about stands first
_FIRST = (EmailState.UNCERTAIN, EmailState.REFUSED)
_STATES = {str(state): state for state in EmailState}
_MOST_COUNTED = 1000


async def outbox(request: Request) -> Response:
    """Mail the visitor may see; `?state=` narrows it."""
    if not actor_of(request).may(permission(EmailMessage, "view")):
        raise Forbidden("Forbidden")
    wanted = _STATES.get(request.query_params.get("state", ""))
    number = asked.whole(request.query_params.get("page"), 1, 1_000_000)
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        context = await session.run_sync(_context, wanted, number)
    return pages.render(request, "crm/outbox.html", context)


def _context(session: Session, wanted: EmailState | None, number: int) -> dict[str, Any]:
    chosen = EmailMessage.state == wanted if wanted is not None else EmailMessage.state.not_in(_FIRST)
    rows = _page(session, chosen, number)
    first = [] if wanted is not None or number > 1 else [row for state in _FIRST for row in _of(session, state)]
    here = {"state": wanted.value} if wanted is not None else {}
    messages = _all_told(session, [*first, *rows[:SIZE]])
    return {
        "messages": messages,
        "may_resend": any(message["again"] for message in messages),
        "resend_url": paths.to("outbox", "resend"),
        "tabs": _tabs(session, wanted),
        "back": paths.to("outbox", **here, page=number),
        "prev_url": paths.to("outbox", **here, page=number - 1) if number > 1 else "",
        "next_url": paths.to("outbox", **here, page=number + 1) if len(rows) > SIZE else "",
        "all_url": paths.list_of(EmailMessage),
        "breadcrumbs": [{"label": gettext("Outbox"), "url": ""}],
        "page_title": gettext("Outbox"),
    }


def _page(session: Session, chosen: ColumnElement[bool], number: int) -> list[EmailMessage]:
    """One row more than a page, newest first."""
    wanted = select(EmailMessage).where(chosen).order_by(EmailMessage.id.desc())
    return list(session.scalars(wanted.limit(SIZE + 1).offset((number - 1) * SIZE)))


def _of(session: Session, state: EmailState) -> list[EmailMessage]:
    """What stands above the first page; the rest of many under its own tab."""
    return _page(session, EmailMessage.state == state, 1)[:SIZE]


def _tabs(session: Session, wanted: EmailState | None) -> list[dict[str, Any]]:
    """{label, url, count, active, tone}: a count only where somebody must act."""
    made: list[dict[str, Any]] = [{"label": gettext("All"), "url": paths.to("outbox"), "active": wanted is None}]
    for state in (*_FIRST, *(s for s in EmailState if s not in _FIRST)):
        tab = {"label": gettext(state.value.capitalize()), "url": paths.to("outbox", state=state.value)}
        count = _count(session, state) if state in _FIRST else 0
        made.append({**tab, "active": state is wanted, "count": count})
    return made


def _count(session: Session, state: EmailState) -> int:
    """At most a thousand."""
    some = select(EmailMessage.id).where(EmailMessage.state == state).limit(_MOST_COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _all_told(session: Session, rows: Sequence[EmailMessage]) -> list[dict[str, Any]]:
    """Mail that a restored copy holds back says so, instead of `ready`."""
    waiting = [row.job_id for row in rows if row.state is EmailState.READY and row.job_id]
    wanted = select(Job.id).where(Job.id.in_(waiting), Job.status == JobStatus.HELD)
    held = set(session.scalars(wanted, execution_options={"unscoped": True})) if waiting else set()
    return [_told(session, row, JobStatus.HELD if row.job_id in held else row.state) for row in rows]


def _told(session: Session, row: EmailMessage, state: EmailState | JobStatus) -> dict[str, Any]:
    decided = row.state in _FIRST or row.state is EmailState.READY
    return {
        "id": row.id,
        "subject": row.subject or gettext("(no name)"),
        "to": email_recipients.shown(row.to_name, row.to_address),
        "state": state.value,
        "label": gettext(state.value.capitalize()),
        "again": row.state in email_fates.AGAIN and access.allows(session, row, "resend"),
        "is_copy": row.copy_of_id is not None,
        "attempts": row.attempts,
        "answer": answer(row),
        "when": formats.ago(row.sent_at or row.created_at),
        "url": paths.details_of(EmailMessage, row.id),
        "operations": offered(session, row) if decided else [],
    }


def answer(row: EmailMessage) -> str:
    """The server's last words with their code, or our own reason, in the reader's language."""
    if not row.smtp_code:
        return own_words.shown(row.smtp_reply)
    return f"{row.smtp_code} {row.smtp_reply}"


@record_part(EmailMessage, "crm/email_part.html")
def of_message(session: Session, message: EmailMessage) -> dict[str, Any]:
    """What it says, what hangs on it, and the diary of its job, which whoever sees the mail may read."""
    wanted = select(JobEvent).where(JobEvent.job_id == message.job_id).order_by(JobEvent.id)
    events = session.scalars(wanted.limit(200), execution_options={"unscoped": True}) if message.job_id else ()
    files = emails.files_of(session, message)
    return {
        "draws": ("text_body", "html_body"),
        "subject": message.subject,
        "body_url": paths.to("inbox", message.id, "body") if message.html_body else "",
        "text": message.text_body,
        "answer": answer(message),
        "uncertain": message.state is EmailState.UNCERTAIN,
        "steps": [job_views.step(event) for event in events],
        "family": [_relative(one, message) for one in email_copies.family(session, message)],
        "files": [{"name": file.name, "url": _file_url(session, file)} for file in files],
    }


def _relative(one: EmailMessage, shown: EmailMessage) -> dict[str, Any]:
    """A mail or a copy of it; no link to the one that is shown."""
    return {
        "role": gettext("Cc") if one.copy_of_id else gettext("To"),
        "address": email_recipients.shown(one.to_name, one.to_address),
        "state": one.state.value,
        "label": gettext(one.state.value.capitalize()),
        "url": "" if one is shown else paths.details_of(EmailMessage, one.id),
    }


def _file_url(session: Session, file: Any) -> str:
    """No link to what the visitor may not open."""
    return paths.details_of(type(file), file.id) if access.is_visible(session, type(file), file.id) else ""
