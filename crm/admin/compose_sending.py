"""Sending what was typed: the same form sent twice, by a double click or after a lost answer, is one mail."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request

from crm import access, formats
from crm.admin import compose_form, pages
from crm.admin.compose_form import Typed
from crm.admin.visitor import actor_of
from crm.entity import name_of
from crm.i18n import gettext
from crm.models.email_message import EmailMessage, EmailState
from crm.services import email_composing
from crm.services.email_composing import Draft
from crm.services.idempotency import Kept, once
from crm.settings import Settings


async def send(request: Request, model: type[Any], key: int, typed: Typed) -> tuple[str, str]:
    """In one transaction; what to say of it, and whether that is a `success` or an `error`."""
    panel = pages.panel_of(request)
    kept = await panel.database.run(actor_of(request), _once, panel.settings, model, key, typed)
    done = json.loads(kept.body)
    told = gettext("Mails on their way: %(count)s.", count=done["sent"])
    if done["unwanted"]:
        told += " " + gettext("Not sent, as the recipient wants no mail: %(count)s.", count=done["unwanted"])
    if done["uncopied"]:
        told += " " + gettext("No copy to those who want no mail: %(who)s.", who=formats.listed(done["uncopied"]))
    return told, "error" if done["unwanted"] or done["uncopied"] else "success"


def _once(session: Session, settings: Settings, model: type[Any], key: int, typed: Typed) -> Kept:
    draft = compose_form.draft_of(session, settings, access.find(session, model, key), typed)
    work = partial(_send, settings=settings, draft=draft)
    if not typed.page_key:
        return work(session)
    digest = _digest(model, key, typed, draft)
    return once(session, f"panel-mail:{typed.page_key}:{digest}", digest, work)


def _send(session: Session, *, settings: Settings, draft: Draft) -> Kept:
    return Kept(200, "", json.dumps(_told(email_composing.send(session, settings, draft))).encode())


def _told(messages: list[EmailMessage]) -> dict[str, Any]:
    unwanted = [message for message in messages if message.state is EmailState.CANCELLED]
    copies = [message.to_address for message in unwanted if message.copy_of_id is not None]
    return {"sent": len(messages) - len(unwanted), "unwanted": len(unwanted) - len(copies), "uncopied": copies}


def _digest(model: type[Any], key: int, typed: Typed, draft: Draft) -> str:
    """New files are stored anew each time: what they hold tells whether it is the same mail."""
    files = [(file.name, file.sha256) for file in draft.files]
    said = [name_of(model), key, files, repr(replace(typed, files=(), coming=()))]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
