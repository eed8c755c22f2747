"""Jobs on notifications."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.services import notification_mail
from crm.workers.registry import job
from crm.workers.run import settings_of


@job("notification.mail", as_system=True)
def mail(session: Session, *, notification_id: int) -> None:
    """Mail a notification to whoever wants that kind mailed."""
    settings = settings_of(session)
    notification_mail.send(session, notification_id, address=settings.public_url, timezone=settings.timezone)
