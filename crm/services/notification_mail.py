"""A notification as a mail, for those who want that kind mailed."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm import zones
from crm.mail.rendering import render
from crm.models.notification import Notification
from crm.models.user import User
from crm.services import emails

_UNSCOPED = {"unscoped": True}


def send(session: Session, notification_id: int, *, address: str = "", timezone: str = "") -> None:
    """Queue the mail, once however often this is called; nothing for a user who has left.

    `address` is where the panel is reached; without one the mail has no link.
    """
    told = session.get(Notification, notification_id, execution_options=_UNSCOPED)
    user = session.get(User, told.user_id, execution_options=_UNSCOPED) if told is not None else None
    if told is None or user is None or not user.status or user.deleted_at is not None:
        return
    link = f"{address.rstrip('/')}{told.link}" if address and told.link else ""
    zone = zones.zone(user.timezone or timezone).key
    mail = render("notification", language=user.locale, zone=zone, title=told.title, body=told.body, link=link)
    emails.queue(
        session,
        to=user.email,
        to_name=user.name,
        subject=told.title,
        text=mail.text,
        html=mail.html,
        key=f"notification:{told.id}",
        owner_id=user.id,
    )
