"""Jobs on reminders."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.services import reminder_news
from crm.workers.registry import job
from crm.workers.run import settings_of


@job("reminder.tell", as_system=True)
def tell(session: Session, *, reminder_id: int, version: int | None = None) -> None:
    """Tell the user of a reminder that was due in this version of it."""
    settings = settings_of(session)
    place = {"address": settings.public_url, "timezone": settings.timezone}
    reminder_news.tell(session, reminder_id, version=version, **place)
