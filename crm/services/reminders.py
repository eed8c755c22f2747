"""Reminders: who is to be told of what, and when; what keeps two of the same apart. `reminder_news` tells them."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.entity import name_of, rule
from crm.models.reminder import Channel, Reminder, ReminderKind, ReminderState
from crm.models.task import TaskStatus
from crm.services import links, records

SUBJECT = "Reminder: %(subject)s"
#: begins the key of one that nobody wants any more: its own is free for another
RELEASED = "released:"
_UNSCOPED = {"unscoped": True}
_DONE = (TaskStatus.COMPLETED, TaskStatus.CANCELLED)


@rule(Reminder)
def check(session: Session, reminder: Reminder, changed: frozenset[str]) -> None:
    """One reminder per user, record and moment; one that was told waits again when its moment is changed.

    Whoever gives one that is reckoned from a due date a moment of its own takes it out of that reckoning.
    """
    links.check(session, reminder)
    moved = not records.is_new(reminder) and inspect(reminder).attrs.remind_at.history.has_changes()
    if moved and reminder.offset_minutes is not None:
        reminder.offset_minutes, reminder.kind = None, ReminderKind.CUSTOM
    by_hand = reminder.kind in (None, ReminderKind.CUSTOM, ReminderKind.TASK)
    if by_hand and (records.is_new(reminder) or {"user_id", "remind_at", "record_type", "record_id"} & changed):
        reminder.key = key_of(reminder)
    if moved:
        reminder.state = ReminderState.WAITING


def add(
    session: Session,
    record: Any,
    *,
    user_id: int,
    remind_at: datetime,
    channel: Channel,
    subject: str,
    kind: ReminderKind = ReminderKind.CUSTOM,
    offset_minutes: int | None = None,
) -> Reminder:
    """Remind the user of `record`; an earlier reminder for the same moment takes the new channel instead.

    `offset_minutes`: `remind_at` is so long before `record` is due; one a record and offset.  Such a one is not told
    if its moment is past already.
    """
    made = Reminder(
        user_id=user_id,
        remind_at=remind_at,
        subject=subject[:200],
        channel=channel,
        kind=kind,
        offset_minutes=offset_minutes,
        record_type=name_of(type(record)),
        record_id=record.id,
    )
    made.key = key_of(made)
    found: Reminder | None = session.scalar(
        select(Reminder).where(Reminder.key == made.key), execution_options=_UNSCOPED
    )
    if found is None:
        made.state = _state(made)
        session.add(made)
        records.flush(session, Reminder)
        return made
    found.offset_minutes = offset_minutes
    move(session, found, remind_at)
    if found.state is not ReminderState.SENT:
        found.state, found.channel = _state(found), channel
    records.flush(session, Reminder)
    return found


def _state(reminder: Reminder) -> ReminderState:
    """To be told, unless it is reckoned from a due date and came too late."""
    late = reminder.offset_minutes is not None and reminder.remind_at <= now()
    return ReminderState.SENT if late else ReminderState.WAITING


def move(session: Session, reminder: Reminder, moment: datetime) -> None:
    """Another moment; one that was told is told again if that is still to come."""
    if moment == reminder.remind_at:
        return
    reminder.remind_at = moment
    if reminder.state is ReminderState.WAITING or moment > now():
        reminder.state = _state(reminder)


def release(session: Session, reminder: Reminder) -> None:
    """Nobody wants it any more: it no longer moves with the due date, and is neither told nor ever revived."""
    reminder.offset_minutes = None
    if reminder.state is not ReminderState.SENT:
        reminder.state, reminder.key = ReminderState.CANCELLED, f"{RELEASED}{reminder.id}"
    records.flush(session, Reminder)


def revive(session: Session, reminder: Reminder, moment: datetime) -> None:
    """One that was cancelled waits again if its moment is still to come.

    One that is reckoned from a due date counts as told otherwise, and waits again once that date is moved.
    """
    if moment > now():
        reminder.remind_at, reminder.state = moment, ReminderState.WAITING
    elif reminder.offset_minutes is not None:
        reminder.remind_at, reminder.state = moment, ReminderState.SENT
    records.flush(session, Reminder)


def cancel(session: Session, reminder: Reminder) -> None:
    """It will not be told, unless it is revived; one that was told stays as it is."""
    if reminder.state is ReminderState.WAITING:
        reminder.state = ReminderState.CANCELLED
        records.flush(session, Reminder)


def hand_over(session: Session, reminder: Reminder, user_id: int) -> None:
    """Another user is told instead, unless they have a reminder for that moment already."""
    names = ("record_type", "record_id", "remind_at", "offset_minutes")
    made = key_of(Reminder(user_id=user_id, **{n: getattr(reminder, n) for n in names}))
    if session.scalar(select(Reminder.id).where(Reminder.key == made), execution_options=_UNSCOPED) is not None:
        release(session, reminder)
        return
    reminder.user_id, reminder.key = user_id, made


def waiting_for(session: Session, record: Any) -> list[Reminder]:
    """Reminders of the record that are still to be told, whoever's they are, by moment."""
    return _of(session, record, ReminderState.WAITING)


def cancelled_for(session: Session, record: Any) -> list[Reminder]:
    """Reminders of the record that were cancelled and may be revived, by moment."""
    return [one for one in _of(session, record, ReminderState.CANCELLED) if not one.key.startswith(RELEASED)]


def _of(session: Session, record: Any, state: ReminderState) -> list[Reminder]:
    wanted = (
        select(Reminder)
        .where(Reminder.record_type == name_of(type(record)), Reminder.record_id == record.id)
        .where(Reminder.state == state)
        .order_by(Reminder.remind_at, Reminder.id)
    )
    return list(session.scalars(wanted, execution_options=_UNSCOPED))


def offsets_of(session: Session, record: Any) -> list[Reminder]:
    """Reminders reckoned from the due date of the record, those that were told among them."""
    wanted = (
        select(Reminder)
        .where(Reminder.record_type == name_of(type(record)), Reminder.record_id == record.id)
        .where(Reminder.offset_minutes.is_not(None), Reminder.state != ReminderState.CANCELLED)
        .order_by(Reminder.id)
    )
    return list(session.scalars(wanted, execution_options=_UNSCOPED))


def key_of(reminder: Reminder) -> str:
    """By user, record and moment, or the offset that stands for it; unlinked reminders may coincide."""
    what = f"{reminder.record_type}:{reminder.record_id}" if reminder.record_type else uuid.uuid4().hex
    when = int(reminder.remind_at.timestamp()) if reminder.offset_minutes is None else f"-{reminder.offset_minutes}m"
    return f"{reminder.user_id}:{what}@{when}"
