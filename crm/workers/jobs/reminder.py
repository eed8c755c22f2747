"""Jobs on reminders."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.services import reminder_news
from crm.workers.registry import job
from crm.workers.run import settings_of


@job("reminder.tell", as_system=True)
def tell(session: Session, *, reminder_id: int) -> None:
    """Tell the user of a reminder that is due."""
    settings = settings_of(session)
    reminder_news.tell(session, reminder_id, address=settings.public_url, timezone=settings.timezone)
