"""Which news a user wants, and how."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.db import actor_of
from crm.entity import rule
from crm.models.notification_preference import NotificationPreference


@rule(NotificationPreference)
def own(session: Session, preference: NotificationPreference, changed: frozenset[str]) -> None:
    """Yours, unless it says otherwise."""
    if not preference.user_id:
        preference.user_id = actor_of(session).user_id or 0  # of the system's own there are none: refused
