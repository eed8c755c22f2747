"""Putting a reminder off: it is told once more, later."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field
from sqlalchemy.orm import Session

from crm import zones
from crm.columns import now
from crm.entity import operation
from crm.errors import BadInput, Conflict, invalid
from crm.models.reminder import Reminder, ReminderState
from crm.services import records, users

MORNING = time(8)
LONGEST = timedelta(days=366)


class Wait(StrEnum):
    """How long people usually put a reminder off."""

    TEN_MINUTES = "ten_minutes"
    ONE_HOUR = "one_hour"
    TOMORROW_MORNING = "tomorrow_morning"


@operation(Reminder, icon="zzz", when=lambda reminder: reminder.state is not ReminderState.CANCELLED)
def snooze(
    session: Session,
    reminder: Reminder,
    *,
    wait: Annotated[Wait | None, Field(description="So long from now; tomorrow at 08:00 in the user's zone.")] = None,
    minutes: Annotated[int | None, Field(ge=1, le=527_040, description="So many minutes from now.")] = None,
    until: Annotated[AwareDatetime | None, Field(description="Until this moment.")] = None,
) -> None:
    """Remind again, later."""
    if sum(one is not None for one in (wait, minutes, until)) != 1:
        raise BadInput("Say either wait, minutes or until")
    moment = until or _later(session, reminder, wait, minutes)
    if not now() < moment <= now() + LONGEST:
        raise invalid("until", "must lie in the future, at most a year away")
    put_off(session, reminder, moment)


def put_off(session: Session, reminder: Reminder, moment: datetime) -> None:
    """Wait until `moment`, whether it was told or not; Conflict for one that was cancelled."""
    if reminder.state is ReminderState.CANCELLED:
        raise Conflict("The reminder was cancelled")
    reminder.remind_at, reminder.state = moment, ReminderState.WAITING
    reminder.snoozes += 1
    records.flush(session, Reminder)


def _later(session: Session, reminder: Reminder, wait: Wait | None, minutes: int | None) -> datetime:
    if wait is not Wait.TOMORROW_MORNING:
        return now() + timedelta(minutes=minutes or (10 if wait is Wait.TEN_MINUTES else 60))
    place = users.zone_of(session, reminder.user_id)
    return zones.at_local(now().astimezone(place).date() + timedelta(days=1), MORNING, place)
