"""What became of the mails that stand on a timeline as interactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.db import actor_of
from crm.entity import permission
from crm.models.email_message import EmailMessage
from crm.models.interaction import InteractionKind
from crm.services.timeline_entries import Entry


def with_mail(session: Session, entries: Sequence[Entry]) -> list[Entry]:
    """`details` of those that were sent as mail also say to whom and how it went, where the reader may see the mail."""
    keys = [e.id for e in entries if e.kind == "interaction" and e.event == InteractionKind.EMAIL]
    if not keys or not actor_of(session).may(permission(EmailMessage, "view")):
        return list(entries)
    wanted = select(EmailMessage.id, EmailMessage.interaction_id, EmailMessage.state, EmailMessage.to_address)
    rows = session.execute(wanted.where(EmailMessage.interaction_id.in_(keys), EmailMessage.copy_of_id.is_(None)))
    known = {r.interaction_id: {"emailId": r.id, "emailState": str(r.state), "emailTo": r.to_address} for r in rows}
    return [
        replace(e, details={**e.details, **known[e.id]}) if e.kind == "interaction" and e.id in known else e
        for e in entries
    ]
