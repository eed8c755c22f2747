"""Writing mail from a record: to whom, by which template, with which files; seen before it is sent."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from crm import access, formats
from crm.admin import compose_files, compose_form, compose_sending, labels, pages, paths
from crm.admin.compose_form import Typed
from crm.admin.files import limits
from crm.admin.mail_frames import framed, headed, wrong
from crm.admin.urls import key_of, view_of
from crm.admin.visitor import actor_of
from crm.entity import name_of, permission
from crm.errors import CrmError, Forbidden
from crm.i18n import LANGUAGES, error_text, gettext
from crm.models.attachment import Attachment
from crm.models.contact import Contact
from crm.models.email_message import EmailMessage
from crm.models.email_template import EmailTemplate
from crm.services import contacts, email_composing, email_copies, email_recipients, email_templates, unsubscribing
from crm.services.email_recipients import Recipient

MOST_FILES = 100
Result = TypeVar("Result")


async def page(request: Request) -> Response:
    """GET asks; POST takes a template's texts (`step=fill`), shows the form again (`again`), or sends."""
    model, key = _about(request), key_of(request)
    if request.method == "GET":
        chosen = await _read(request, _begin, model, key)
        return await _show(request, model, key, chosen)
    sent = await compose_files.read(request, model, key)
    typed = sent.typed
    try:
        if sent.error is not None:
            raise sent.error
        if sent.step == "fill":
            typed = await _read(request, _fill, model, key, typed, request)
        elif sent.step == "send":
            told, category = await compose_sending.send(request, model, key, typed)
            return pages.redirect(request, paths.details_of(model, key), told, category)
    except CrmError as error:
        if error.status in (403, 404):
            raise
        return await _show(request, model, key, typed, error=error_text(error), status=error.status)
    return await _show(request, model, key, typed)


async def preview(request: Request) -> Response:
    """POST: the mail as its first recipient will see it, for the frame below the form."""
    model, key = _about(request), key_of(request)
    typed = compose_form.read(await request.form(max_fields=1000))
    try:
        html = await _read(request, _preview, model, key, typed, request)
    except CrmError as error:
        if error.status in (403, 404):
            raise
        return wrong(error)
    return framed(html)


def _about(request: Request) -> type[Any]:
    """The kind of record in the address, if mail can be written from it, by this visitor."""
    view = view_of(request, "details")
    if name_of(view.model) not in email_composing.ABOUT:
        raise HTTPException(404)
    if not actor_of(request).may(permission(EmailMessage, "create")):
        raise Forbidden("Forbidden")
    model: type[Any] = view.model
    return model


async def _read(request: Request, service: Callable[..., Result], *arguments: Any) -> Result:
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        return await session.run_sync(service, *arguments)


# ---------------------------------------------------------------------------------------------- steps


def _begin(session: Session, model: type[Any], key: int) -> Typed:
    """The contact itself, or the primary contact of the deal, is chosen already."""
    record = access.find(session, model, key)
    people = email_composing.people_of(session, record)
    chosen = people[:1] if isinstance(record, Contact) or getattr(record, "contact_id", None) else []
    return Typed(contacts=tuple(person.id for person in chosen), page_key=secrets.token_hex(16))


def _fill(session: Session, model: type[Any], key: int, typed: Typed, request: Request) -> Typed:
    settings = pages.panel_of(request).settings
    return compose_form.filled(session, settings, access.find(session, model, key), typed)


def _preview(session: Session, model: type[Any], key: int, typed: Typed, request: Request) -> str:
    settings = pages.panel_of(request).settings
    draft = compose_form.draft_of(session, settings, access.find(session, model, key), typed)
    first = draft.recipients[0]
    email_copies.require_original(session, first, draft.copies)
    mail = email_composing.compose(session, settings, draft, first)
    to = email_recipients.shown(first.name, first.address)
    more = gettext("and %(count)s more, each by themselves", count=len(draft.recipients) - 1)
    lines = [(gettext("To"), f"{to} {more}" if len(draft.recipients) > 1 else to)]
    copies = [_copied(session, copy) for copy in draft.copies]
    lines += [(gettext("Cc"), formats.listed(copies))] if copies else []
    lines.append((gettext("Subject"), mail.subject))
    names = [*(file.name for file in draft.files), *typed.coming]
    lines += [(gettext("Files"), formats.listed(names))] if names else []
    language = email_composing.language_of(session, draft, first)
    return headed(unsubscribing.with_last_line(settings, mail.html, language=language), lines)


def _copied(session: Session, copy: Recipient) -> str:
    wants = contacts.may_be_written_to(session, copy.address)
    return copy.address if wants else f"{copy.address} ({gettext('Wants no mail')})"


# ---------------------------------------------------------------------------------------------- the page


async def _show(
    request: Request, model: type[Any], key: int, typed: Typed, *, error: str = "", status: int = 200
) -> Response:
    context = {**await _read(request, _context, model, key, typed), **limits(request)}
    return pages.render(request, "crm/compose.html", {**context, "typed": typed, "error": error}, status)


def _context(session: Session, model: type[Any], key: int, typed: Typed) -> dict[str, Any]:
    record = access.find(session, model, key)
    title, back = labels.title_of(session, model, key), paths.details_of(model, key)
    identity = paths.identity(model)
    return {
        "record": {"id": key, "title": title},
        "people": [_person(session, person) for person in email_composing.people_of(session, record)],
        "others": _named(session, typed.others),
        "lookup_url": paths.to("links", "lookup", kind="contact"),
        "templates": [_choice(one) for one in email_templates.usable_for(session, name_of(model))],
        "files": _files(session, model, key),
        "may_bring": compose_files.may_bring(session, record),
        "most_mib": email_composing.MOST_MIB,
        "form_action": paths.to(identity, "mail", key),
        "preview_url": paths.to(identity, "mail", key, "preview"),
        "back_url": back,
        "breadcrumbs": [{"label": title, "url": back}, {"label": gettext("Write mail"), "url": ""}],
        "page_title": gettext("Write mail"),
    }


def _person(session: Session, person: Contact) -> dict[str, Any]:
    wants = contacts.may_be_written_to(session, person.email)
    return {"id": person.id, "name": person.name, "address": person.email, "wants": wants}


def _named(session: Session, keys: tuple[int, ...]) -> list[dict[str, Any]]:
    found = session.execute(select(Contact.id, Contact.name).where(Contact.id.in_(keys))).all() if keys else ()
    return [{"id": row.id, "text": row.name} for row in found]


def _choice(template: EmailTemplate) -> dict[str, Any]:
    return {"id": template.id, "label": f"{template.name} · {LANGUAGES.get(template.language, template.language)}"}


def _files(session: Session, model: type[Any], key: int) -> list[dict[str, Any]]:
    """Those of the record, newest first."""
    wanted = select(Attachment).where(Attachment.record_type == name_of(model), Attachment.record_id == key)
    rows = session.scalars(wanted.order_by(Attachment.id.desc()).limit(MOST_FILES))
    return [{"id": row.id, "name": row.name, "size": formats.size(row.size)} for row in rows]
