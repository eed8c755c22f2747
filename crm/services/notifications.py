"""What the panel tells a user, each thing once; by mail too, where they want it so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.columns import now
from crm.db import actor_of
from crm.entity import operation
from crm.jobs import enqueue
from crm.models.notification import Notification
from crm.models.user import User
from crm.services import notification_preferences

_UNSCOPED = {"unscoped": True}


def tell(
    session: Session,
    user: User,
    *,
    kind: str,
    title: str,
    key: str,
    body: str = "",
    link: str = "",
    about: Any = None,
    mail: bool = True,
) -> Notification:
    """A new notification, or the earlier one with the same `key`; it counts as read where the user wants none shown.

    `about` is a record that carries a link (`record_type`, `record_id`), which the notification takes over.  `mail`
    False: whoever calls sends a mail of their own.  Asks for `notification.mail` where the user wants that kind mailed.
    """
    earlier = select(Notification).where(Notification.key == key)
    found = session.scalar(earlier, execution_options=_UNSCOPED)
    if found is not None:
        return found
    wished = notification_preferences.wish(session, user.id, kind)
    made = Notification(user_id=user.id, kind=kind, title=title[:200], body=body[:1000], link=link[:300], key=key)
    made.read_at = None if wished.in_app else now()
    if about is not None:
        made.record_type, made.record_id = about.record_type, about.record_id
    try:
        with session.begin_nested():
            session.add(made)
            session.flush()
    except IntegrityError:  # somebody else told it between the look and the insert
        return session.scalars(earlier, execution_options=_UNSCOPED).one()
    if mail and wished.by_mail:
        enqueue(session, "notification.mail", key=f"notification:{made.id}", notification_id=made.id)
    return made


@operation(Notification, icon="mail-opened", when=lambda notification: notification.read_at is None)
def read(session: Session, notification: Notification) -> None:
    """Mark the notification as read."""
    notification.read_at = notification.read_at or now()
    session.flush()


def read_all(session: Session) -> int:
    """Mark all of the actor's own notifications as read; how many."""
    mine = _unread_of(actor_of(session).user_id)
    done = session.execute(update(Notification).where(*mine).values(read_at=now()), execution_options=_UNSCOPED)
    return int(getattr(done, "rowcount", 0))


def unread(session: Session) -> int:
    """How many of the actor's own are unread."""
    return session.scalar(select(func.count(Notification.id)).where(*_unread_of(actor_of(session).user_id))) or 0


def unread_at_most(session: Session, user_id: int | None, most: int) -> int:
    """How many of a user's are unread, counted no further than `most`: for what every page shows."""
    some = select(Notification.id).where(*_unread_of(user_id)).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some), execution_options=_UNSCOPED) or 0


def _unread_of(user_id: int | None) -> tuple[ColumnElement[bool], ...]:
    return (Notification.user_id == user_id, Notification.read_at.is_(None))


def newest(session: Session, limit: int = 10) -> list[Notification]:
    """The actor's own, the newest first."""
    mine = select(Notification).where(Notification.user_id == actor_of(session).user_id)
    return list(session.scalars(mine.order_by(Notification.created_at.desc(), Notification.id.desc()).limit(limit)))
