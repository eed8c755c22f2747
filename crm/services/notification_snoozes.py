"""Putting off what a notification reminds of."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AwareDatetime, Field
from sqlalchemy.orm import Session

from crm.columns import now
from crm.entity import operation
from crm.errors import Conflict
from crm.models.notification import Notification
from crm.models.reminder import Reminder
from crm.services import snoozes
from crm.services.snoozes import Wait

_KEY = re.compile(r"reminder:([0-9]{1,18})@")


@operation(Notification, icon="zzz", when=lambda notification: bool(_KEY.match(notification.key or "")))
def snooze(
    session: Session,
    notification: Notification,
    *,
    wait: Annotated[Wait | None, Field(description="So long from now; tomorrow at 08:00 in the user's zone.")] = None,
    minutes: Annotated[int | None, Field(ge=1, le=527_040, description="So many minutes from now.")] = None,
    until: Annotated[AwareDatetime | None, Field(description="Until this moment.")] = None,
) -> None:
    """Remind again, later; it counts as read."""
    found = _KEY.match(notification.key or "")
    reminder = session.get(Reminder, int(found[1]), execution_options={"unscoped": True}) if found else None
    if reminder is None or reminder.user_id != notification.user_id:
        raise Conflict("This is no reminder that can be put off")
    snoozes.snooze(session, reminder, wait=wait, minutes=minutes, until=until)
    notification.read_at = notification.read_at or now()
    session.flush()
