"""Sending many mails of the outbox once more: those that were ticked, all of them or none."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from crm import access
from crm.admin import pages, paths
from crm.admin.urls import whole
from crm.admin.visitor import actor_of
from crm.entity import permission
from crm.errors import BadInput, CrmError
from crm.i18n import error_text, gettext
from crm.models.email_message import EmailMessage
from crm.services import email_fates


async def resend(request: Request) -> Response:
    """POST /outbox/resend: `ids`, and `back` for the page that had the button."""
    actor = actor_of(request)
    access.require(actor, permission(EmailMessage, "view"))
    access.require(actor, permission(EmailMessage, "resend"))
    form = await request.form(max_fields=1000)
    back = paths.safe(str(form.get("back") or ""), paths.to("outbox"))
    try:
        keys = _keys([str(text) for text in form.getlist("ids")])
        count = await pages.panel_of(request).database.run(actor, email_fates.resend_many, keys, verb="resend")
    except CrmError as error:
        if error.status == 403:
            raise
        return pages.redirect(request, back, error_text(error), "error")
    return pages.redirect(request, back, gettext("Mails on their way: %(count)s.", count=count))


def _keys(texts: list[str]) -> list[int]:
    keys = {whole(text) for text in texts}
    if not keys or None in keys:
        raise BadInput("Choose up to %(most)s records", most=email_fates.MOST)
    return [key for key in keys if key is not None]
