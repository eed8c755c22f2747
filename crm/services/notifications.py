"""What the panel tells a user, each thing once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.columns import now
from crm.entity import operation
from crm.models.notification import Notification
from crm.models.user import User

_UNSCOPED = {"unscoped": True}


def tell(
    session: Session, user: User, *, kind: str, title: str, key: str, body: str = "", link: str = "", about: Any = None
) -> Notification:
    """A new, unread notification, or the earlier one with the same `key`.

    `about` is a record that carries a link (`record_type`, `record_id`), which the notification takes over.
    """
    earlier = select(Notification).where(Notification.key == key)
    found = session.scalar(earlier, execution_options=_UNSCOPED)
    if found is not None:
        return found
    made = Notification(user_id=user.id, kind=kind, title=title[:200], body=body[:1000], link=link[:300], key=key)
    if about is not None:
        made.record_type, made.record_id = about.record_type, about.record_id
    try:
        with session.begin_nested():
            session.add(made)
            session.flush()
    except IntegrityError:  # somebody else told it between the look and the insert
        return session.scalars(earlier, execution_options=_UNSCOPED).one()
    return made


@operation(Notification, icon="mail-opened", when=lambda notification: notification.read_at is None)
def read(session: Session, notification: Notification) -> None:
    """Mark the notification as read."""
    notification.read_at = notification.read_at or now()
    session.flush()
