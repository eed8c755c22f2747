"""One job of each kind: how it is asked for, and how often what it does has been done.

A new kind needs its sample here: then it is killed at every step, on both databases.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.files.storage import Storage
from crm.files.uploads import Upload
from crm.jobs import enqueue
from crm.models import Attachment, EmailMessage, Notification, Reminder, User
from crm.models.attachment import PreviewState
from crm.models.job import JobEffect
from crm.models.reminder import Channel
from crm.services import attachments, emails, notifications, records
from crm.settings import Settings


@dataclass(frozen=True, slots=True)
class Sample:
    """`ask` wants it done once; `effects` counts how often it was, 1 when all is well."""

    kind: str
    ask: Callable[[Session, Settings], None]
    effects: Callable[[Session, Settings], int]
    #: of mail: only the server knows how often it arrived
    is_mail: bool = False
    #: takes seconds: only its own steps are tried, those before the claim are the same for every kind
    is_heavy: bool = False
    #: makes what a first run left older, as it would be by the time of the second
    age: Callable[[Settings], None] = lambda _settings: None


def _mail(effect: JobEffect) -> Callable[[Session, Settings], None]:
    def ask(session: Session, _settings: Settings) -> None:
        emails.queue(session, to="bo@example.com", subject="Hello", text="T", key="sample", effect=effect)

    return ask


def _reminder(session: Session, _settings: Settings) -> None:
    values = {"subject": "Call", "user_id": _user(session).id, "channel": Channel.BOTH}
    made = records.create(session, Reminder, {**values, "remind_at": now() - timedelta(seconds=1)})
    enqueue(session, "reminder.tell", key="sample", reminder_id=made.id)


def _report(session: Session, _settings: Settings) -> None:
    payload: dict[str, Any] = {"report": "open_pipeline", "recipients": [_user(session).id], "fire": "sample"}
    enqueue(session, "report.mail", key="sample", queue="reports", **payload)


def _notification(session: Session, _settings: Settings) -> None:
    told = notifications.tell(session, _user(session), kind="reminder", title="News", key="sample", mail=False)
    enqueue(session, "notification.mail", key="sample", notification_id=told.id)


def _preview(session: Session, settings: Settings) -> None:
    with io.BytesIO() as drawn:
        Image.new("RGB", (64, 48), "red").save(drawn, "PNG")
        data = drawn.getvalue()
    digest = Storage(settings.uploads).put(data)
    attachments.keep(session, Upload("red.png", digest, "image/png", len(data)), attachments.Place())


def _previews(session: Session, _settings: Settings) -> int:
    return len(session.scalars(select(Attachment.id).where(Attachment.preview_state == PreviewState.READY)).all())


def _orphan(session: Session, settings: Settings) -> None:
    storage = Storage(settings.uploads)
    os.utime(storage.path(storage.put(b"nobody speaks of it")), (0, 0))
    enqueue(session, "file.sweep", key="sample", attempts=3)


def _orphans_gone(_session: Session, settings: Settings) -> int:
    return int(not list(Storage(settings.uploads).contents()))


def _backup(session: Session, _settings: Settings) -> None:
    enqueue(session, "backup.make", key="sample", queue="reports", attempts=3, keep=1)


def _backups(_session: Session, settings: Settings) -> int:
    """One more does no harm, and only the newest is kept."""
    return len(list((settings.data_dir / "backups").glob("crm-*")))


def _age_backups(settings: Settings) -> None:
    """They are named after the second in which they were made."""
    for number, made in enumerate(settings.data_dir.glob("backups/crm-*")):
        made.rename(made.with_name(f"crm-20200101-00000{number}.tar.gz"))


def _user(session: Session) -> User:
    user = User(username="ann", email="ann@example.com", name="Ann", locale="zh", timezone="Asia/Shanghai")
    session.add(user)
    session.flush()
    return user


def _rows(*models: type[Any]) -> Callable[[Session, Settings], int]:
    """One row of each model is one effect; rows more of any are too many."""

    def count(session: Session, _settings: Settings) -> int:
        counts = {session.scalar(select(func.count()).select_from(model)) or 0 for model in models}
        return max(counts) if min(counts) else 0

    return count


SAMPLES: dict[str, Sample] = {
    "mail": Sample("email.send", _mail(JobEffect.AT_MOST_ONCE), _rows(EmailMessage), is_mail=True),
    "urgent mail": Sample("email.send", _mail(JobEffect.AT_LEAST_ONCE), _rows(EmailMessage), is_mail=True),
    "reminder": Sample("reminder.tell", _reminder, _rows(Notification, EmailMessage)),
    "report": Sample("report.mail", _report, _rows(EmailMessage)),
    "notification": Sample("notification.mail", _notification, _rows(Notification, EmailMessage)),
    "preview": Sample("file.preview", _preview, _previews, is_heavy=True),
    "orphan": Sample("file.sweep", _orphan, _orphans_gone),
    "backup": Sample("backup.make", _backup, _backups, is_heavy=True, age=_age_backups),
}
