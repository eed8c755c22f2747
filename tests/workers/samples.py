"""One job of each kind: how it is asked for, and how often what it does has been done.

A new kind needs its sample here: then it is killed at every step, on both databases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.jobs import enqueue
from crm.models import EmailMessage, Notification, Reminder, User
from crm.models.job import JobEffect
from crm.models.reminder import Channel
from crm.services import emails, records


@dataclass(frozen=True, slots=True)
class Sample:
    """`ask` wants it done once; `effects` counts how often it was, 1 when all is well."""

    kind: str
    ask: Callable[[Session], None]
    effects: Callable[[Session], int]
    #: of mail: only the server knows how often it arrived
    is_mail: bool = False


def _mail(effect: JobEffect) -> Callable[[Session], None]:
    def ask(session: Session) -> None:
        emails.queue(session, to="bo@example.com", subject="Hello", text="T", key="sample", effect=effect)

    return ask


def _reminder(session: Session) -> None:
    values = {"subject": "Call", "user_id": _user(session).id, "channel": Channel.BOTH}
    made = records.create(session, Reminder, {**values, "remind_at": now() - timedelta(seconds=1)})
    enqueue(session, "reminder.tell", key="sample", reminder_id=made.id)


def _report(session: Session) -> None:
    recipients = [_user(session).id]
    payload: dict[str, Any] = {"report": "open_pipeline", "recipients": recipients, "fire": "sample"}
    enqueue(session, "report.mail", key="sample", queue="reports", **payload)


def _user(session: Session) -> User:
    user = User(username="ann", email="ann@example.com", name="Ann", locale="zh", timezone="Asia/Shanghai")
    session.add(user)
    session.flush()
    return user


def _rows(*models: type[Any]) -> Callable[[Session], int]:
    """One row of each model is one effect; rows more of any are too many."""

    def count(session: Session) -> int:
        counts = {session.scalar(select(func.count()).select_from(model)) or 0 for model in models}
        return max(counts) if min(counts) else 0

    return count


SAMPLES: dict[str, Sample] = {
    "mail": Sample("email.send", _mail(JobEffect.AT_MOST_ONCE), _rows(EmailMessage), is_mail=True),
    "urgent mail": Sample("email.send", _mail(JobEffect.AT_LEAST_ONCE), _rows(EmailMessage), is_mail=True),
    "reminder": Sample("reminder.tell", _reminder, _rows(Notification, EmailMessage)),
    "report": Sample("report.mail", _report, _rows(EmailMessage)),
}
