"""Jobs on reports."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.services import pipeline_mail
from crm.workers.registry import job
from crm.workers.run import settings_of


@job("report.mail", queue="reports")
def mail(session: Session, *, report: str, recipients: list[int], fire: str) -> None:
    """Mail the figures of `report` to users, with the rights of the schedule's owner."""
    settings = settings_of(session)
    pipeline_mail.send(session, report, recipients, fire=fire, address=settings.public_url, timezone=settings.timezone)
