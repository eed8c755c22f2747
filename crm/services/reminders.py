"""Reminders: promised at a moment, told exactly once per channel, to whoever may still see what they are about."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.entity import name_of, rule
from crm.i18n import translate
from crm.mail.rendering import render
from crm.models.reminder import Channel, Reminder, ReminderState
from crm.models.task import Task, TaskStatus
from crm.models.user import User
from crm.rights import load_actor
from crm.services import emails, links, notifications, records

SUBJECT = "Reminder: %(subject)s"
_UNSCOPED = {"unscoped": True}
_DONE = (TaskStatus.COMPLETED, TaskStatus.CANCELLED)


@rule(Reminder)
def check(session: Session, reminder: Reminder, changed: frozenset[str]) -> None:
    """One reminder per user, record and moment; one that was told waits again when its moment is changed."""
    links.check(session, reminder)
    if records.is_new(reminder) or {"user_id", "remind_at", "record_type", "record_id"} & changed:
        reminder.key = _key(reminder)
    if not records.is_new(reminder) and inspect(reminder).attrs.remind_at.history.has_changes():
        reminder.state = ReminderState.WAITING


def add(
    session: Session, record: Any, *, user_id: int, remind_at: datetime, channel: Channel, subject: str
) -> Reminder:
    """Remind the user of `record`; an earlier reminder for the same moment takes the new channel instead."""
    link = {"record_type": name_of(type(record)), "record_id": record.id}
    values = {"user_id": user_id, "remind_at": remind_at, "subject": subject[:200], "channel": channel, **link}
    earlier = select(Reminder).where(Reminder.key == _key(Reminder(**values)))
    found: Reminder | None = session.scalar(earlier, execution_options=_UNSCOPED)
    if found is None:
        made: Reminder = records.create(session, Reminder, values)
        return made
    if found.state is not ReminderState.SENT:
        found.state, found.channel = ReminderState.WAITING, channel
        records.flush(session, Reminder)
    return found


def cancel(session: Session, reminder: Reminder) -> None:
    """It will not be told; one that was told stays as it is."""
    if reminder.state is ReminderState.WAITING:
        reminder.state = ReminderState.CANCELLED
        records.flush(session, Reminder)


def hand_over(session: Session, reminder: Reminder, user_id: int) -> None:
    """Another user is told instead, unless they have a reminder for that moment already."""
    made = _key(
        Reminder(user_id=user_id, **{n: getattr(reminder, n) for n in ("record_type", "record_id", "remind_at")})
    )
    if session.scalar(select(Reminder.id).where(Reminder.key == made), execution_options=_UNSCOPED) is not None:
        cancel(session, reminder)
        return
    reminder.user_id, reminder.key = user_id, made


def waiting_for(session: Session, record: Any) -> list[Reminder]:
    """Reminders of the record that are still to be told, whoever's they are, by moment."""
    wanted = (
        select(Reminder)
        .where(Reminder.record_type == name_of(type(record)), Reminder.record_id == record.id)
        .where(Reminder.state == ReminderState.WAITING)
        .order_by(Reminder.remind_at, Reminder.id)
    )
    return list(session.scalars(wanted, execution_options=_UNSCOPED))


def tell(session: Session, reminder_id: int, *, address: str = "", timezone: str = "UTC") -> None:
    """Tell a due reminder by its channels, in the reader's language; a second call does nothing.

    It is cancelled instead if the user may no longer sign in or see the record, or if the task is done.
    Asks for `email.send`.
    """
    reminder = session.get(Reminder, reminder_id, execution_options=_UNSCOPED)
    if reminder is None or reminder.state is not ReminderState.WAITING or reminder.remind_at > now():
        return
    user = _reader(session, reminder)
    if user is None:
        cancel(session, reminder)
        return
    key = f"reminder:{reminder.id}@{int(reminder.remind_at.timestamp())}"
    if reminder.channel is not Channel.APP:
        _mail(session, reminder, user, key=key, address=address, zone=user.timezone or timezone)
    if reminder.channel is not Channel.EMAIL:
        title, link = reminder.subject, links.path(reminder)
        notifications.tell(session, user, kind="reminder", title=title, key=key, link=link, about=reminder)
    reminder.state = ReminderState.SENT
    records.flush(session, Reminder)


def _reader(session: Session, reminder: Reminder) -> User | None:
    """The user who is to be told, if there is still something to tell."""
    actor = load_actor(session, reminder.user_id)
    if actor is None:
        return None
    if reminder.record_type:
        record = links.seen_by(session, reminder, actor)
        if record is None or (isinstance(record, Task) and record.status in _DONE):
            return None
    return session.get(User, reminder.user_id, execution_options=_UNSCOPED)


def _mail(session: Session, reminder: Reminder, user: User, *, key: str, address: str, zone: str) -> None:
    link = f"{address.rstrip('/')}{links.path(reminder)}" if address and reminder.record_type else ""
    values = {"subject": reminder.subject, "remind_at": reminder.remind_at, "link": link}
    mail = render("reminder", language=user.locale, zone=zone, **values, **dict(_details(session, reminder)))
    message = emails.queue(
        session,
        to=user.email,
        to_name=user.name,
        subject=translate(user.locale, SUBJECT, subject=reminder.subject),
        text=mail.text,
        html=mail.html,
        key=key,
        owner_id=user.id,
    )
    message.record_type, message.record_id = reminder.record_type, reminder.record_id


def _details(session: Session, reminder: Reminder) -> Iterator[tuple[str, Any]]:
    """What the mail says of a task beyond its title."""
    task = None
    if reminder.record_type == name_of(Task):
        task = session.get(Task, reminder.record_id, execution_options=_UNSCOPED)
    for name in ("due_at", "due_date", "description"):
        yield name, getattr(task, name, None)


def _key(reminder: Reminder) -> str:
    """Unlinked reminders may coincide."""
    what = f"{reminder.record_type}:{reminder.record_id}" if reminder.record_type else uuid.uuid4().hex
    return f"{reminder.user_id}:{what}@{int(reminder.remind_at.timestamp())}"
