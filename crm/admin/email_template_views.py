"""What the page of a mail template shows beside its fields: the mail with invented values, in every language it has."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from crm import access
from crm.admin import pages, paths, word_inputs
from crm.admin.mail_frames import framed, headed, wrong
from crm.admin.record_parts import record_part
from crm.admin.urls import key_of, view_of
from crm.admin.visitor import actor_of
from crm.errors import CrmError, Forbidden
from crm.i18n import LANGUAGES, gettext
from crm.mail import sandbox
from crm.mail.authored import Source
from crm.models.email_template import EmailTemplate
from crm.services import email_templates, email_variables

__all__ = ["body", "of_template", "try_out", "word_inputs"]
LONGEST = 100_000


@record_part(EmailTemplate, "crm/email_template_part.html")
def of_template(session: Session, template: EmailTemplate) -> dict[str, Any]:
    """{previews: one a language, variables, lists}; nothing is sent by looking."""
    known = email_variables.known(template.about)
    found = email_templates.in_other_languages(session, template)
    return {
        "previews": [_preview(session, one) for one in found],
        "variables": sandbox.names_of(known),
        "lists": sandbox.lists_of(known),
    }


def _preview(session: Session, template: EmailTemplate) -> dict[str, Any]:
    mail = email_templates.preview(session, template)
    return {
        "language": LANGUAGES.get(template.language, template.language),
        "lang": "zh-CN" if template.language == "zh" else template.language,
        "subject": mail.subject,
        "text": mail.text,
        "url": paths.details_of(EmailTemplate, template.id),
        "body_url": paths.to(paths.identity(EmailTemplate), "body", template.id),
    }


async def body(request: Request) -> Response:
    """The HTML of a preview, for the frame."""
    view_of(request, "details", identity=paths.identity(EmailTemplate))
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        html = await session.run_sync(_html, key_of(request))
    return framed(html)


def _html(session: Session, key: int) -> str:
    return email_templates.preview(session, access.find(session, EmailTemplate, key)).html


async def try_out(request: Request) -> Response:
    """POST: what the form holds as a mail with invented values, for the frame below it; nothing is kept."""
    view = view_of(request, "details", identity=paths.identity(EmailTemplate))
    actor, form = actor_of(request), await request.form(max_fields=1000)
    if not (view.allows(actor, "create") or view.allows(actor, "update")):
        raise Forbidden("Forbidden")
    typed = {name: str(form.get(name) or "") for name in ("subject", "text_body", "html_body", "about", "language")}
    source = Source(*(typed[name].replace("\x00", "")[:LONGEST] for name in ("subject", "text_body", "html_body")))
    try:
        async with pages.panel_of(request).database.read_only_async(actor) as session:
            trial = partial(email_templates.try_out, about=typed["about"], language=typed["language"])
            mail = await session.run_sync(trial, source)
    except CrmError as error:
        return wrong(error)
    return framed(headed(mail.html, [(gettext("Subject"), mail.subject)]))
