"""The form that writes mail as it comes in, with new files: they are kept on the record and go along with the mail.

Whatever is wrong with the files, what was typed is there to be shown again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.requests import Request

from crm import access
from crm.admin import compose_form, files, pages, unsaved
from crm.admin.compose_form import Typed
from crm.admin.visitor import actor_of
from crm.db import actor_of as session_actor
from crm.entity import name_of, permission
from crm.errors import CrmError
from crm.files import uploads
from crm.files.form import FileForm, Room
from crm.models.attachment import Attachment
from crm.services import email_composing
from crm.services.attachments import Place

#: a text of 100,000 characters may have four times as many bytes
ROOM = Room(files=files.MOST_AT_ONCE, fields=500, longest=512 * 1024, typed=True)


@dataclass(frozen=True, slots=True)
class Sent:
    """What was typed, the button that was pressed, and what was wrong with the files."""

    typed: Typed
    step: str
    error: CrmError | None = None


async def read(request: Request, model: type[Any], key: int) -> Sent:
    """The form with its new files among those that are chosen; Forbidden without the page's token."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        plain = await request.form(max_fields=1000)  # the door has looked at the token
        return Sent(compose_form.read(plain), str(plain.get("step") or ""))
    texts: list[tuple[str, str]] = []

    def before_file(form: FileForm) -> None:
        texts[:] = form.texts
        unsaved.check(request, form.texts)

    try:
        async with uploads.received(request, pages.panel_of(request).settings, ROOM, before_file=before_file) as form:
            before_file(form)
            made = await _keep(request, model, key, form) if form.files else []
    except CrmError as error:
        if error.status in (403, 404):
            raise
        return Sent(_typed(texts), "", error)
    typed = _typed(texts)
    return Sent(replace(typed, files=(*typed.files, *made)), dict(texts).get("step", ""))


def _typed(texts: list[tuple[str, str]]) -> Typed:
    return compose_form.read(FormData([*texts]))


async def _keep(request: Request, model: type[Any], key: int, form: FileForm) -> list[int]:
    """Nothing is stored that the mail has no room for."""
    chosen, size = _typed(form.texts).files, sum(one.draft.size for one in form.files)
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        await session.run_sync(email_composing.find_files, chosen, size)
    return await files.store(request, form, Place(name_of(model), key))


def may_bring(session: Session, record: Any) -> bool:
    """Whether the actor may put files on the record that the mail is about."""
    may = session_actor(session).may(permission(Attachment, "create"))
    return may and type(record) in access.linkable(Attachment) and access.allows(session, record, "update")
