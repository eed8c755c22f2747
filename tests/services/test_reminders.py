"""Reminders are told once per channel, to whoever may still see what they are about, in their language."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import Scope, system
from crm.columns import now
from crm.db import CrmSession, Database
from crm.errors import BadInput
from crm.models import EmailMessage, Notification, Reminder, Task, User
from crm.models.reminder import Channel, ReminderState
from crm.services import records, reminder_news, reminders
from tests import factories


def reader(session: CrmSession, **values: Any) -> User:
    user = factories.user(session, {"view_tasks": Scope.OWN})
    for name, value in values.items():
        setattr(user, name, value)
    session.flush()
    return user


def due(session: CrmSession, user: User, channel: Channel = Channel.BOTH, **task: Any) -> Reminder:
    """A reminder, due a moment ago, of a new task."""
    made = records.create(session, Task, {"title": "Call Ms Li", "assignee_id": user.id, **task})
    moment = now() - timedelta(seconds=1)
    return reminders.add(session, made, user_id=user.id, remind_at=moment, channel=channel, subject="Call Ms Li")


def told(session: CrmSession) -> tuple[int, int]:
    """How many mails and notifications there are."""
    mails, news = session.scalars(select(EmailMessage)).all(), session.scalars(select(Notification)).all()
    return len(mails), len(news)


@pytest.mark.parametrize(
    ("channel", "expected"), [(Channel.EMAIL, (1, 0)), (Channel.APP, (0, 1)), (Channel.BOTH, (1, 1))]
)
def test_it_is_told_once_by_its_channels(database: Database, channel: Channel, expected: tuple[int, int]) -> None:
    with database.transaction(system("test")) as session:
        reminder = due(session, reader(session), channel)
        for _ in range(3):
            reminder_news.tell(session, reminder.id)
        assert told(session) == expected
        assert reminder.state is ReminderState.SENT


def test_the_mail_is_in_the_readers_language_and_zone(database: Database) -> None:
    with database.transaction(system("test")) as session:
        user = reader(session, locale="zh", timezone="Asia/Shanghai", name="李雷")
        reminder = due(session, user, due_at=now().replace(year=2026, month=11, day=30, hour=9, minute=0))
        reminder_news.tell(session, reminder.id, address="https://crm.example")
        mail = session.scalars(select(EmailMessage)).one()
        assert mail.subject.startswith("提醒")
        assert "2026-11-30 17:00" in mail.text_body
        assert f"https://crm.example/admin/task/details/{reminder.record_id}" in mail.html_body
        assert '<html lang="zh-CN">' in mail.html_body
        assert mail.to_name == "李雷"


def test_what_a_user_wrote_is_escaped_in_the_mail(database: Database) -> None:
    with database.transaction(system("test")) as session:
        reminder = due(session, reader(session), description="<script>alert(1)</script>")
        reminder_news.tell(session, reminder.id)
        mail = session.scalars(select(EmailMessage)).one()
        assert "<script>" not in mail.html_body
        assert "<script>alert(1)</script>" in mail.text_body


@pytest.mark.parametrize("reason", ["signed off", "reassigned", "in the trash", "completed"])
def test_it_is_cancelled_where_there_is_nothing_to_tell(database: Database, reason: str) -> None:
    with database.transaction(system("test")) as session:
        user = reader(session)
        reminder = due(session, user)
        task = session.get_one(Task, reminder.record_id)
        if reason == "signed off":
            user.status = False
        elif reason == "reassigned":
            task.assignee_id = reader(session).id
        elif reason == "in the trash":
            task.deleted_at = now()
        else:
            records.update(session, task, {"status": "completed"})
        session.flush()
        reminder_news.tell(session, reminder.id)
        assert told(session) == (0, 0)
        assert reminder.state is ReminderState.CANCELLED


def test_one_that_is_not_due_yet_waits(database: Database) -> None:
    with database.transaction(system("test")) as session:
        reminder = due(session, reader(session))
        records.update(session, reminder, {"remind_at": now() + timedelta(hours=1)})
        reminder_news.tell(session, reminder.id)
        assert (told(session), reminder.state) == ((0, 0), ReminderState.WAITING)


def test_what_was_seen_to_be_due_is_told_by_a_machine_whose_clock_is_slow(database: Database) -> None:
    with database.transaction(system("test")) as session:
        reminder = due(session, reader(session))
        with time_machine.travel(now() - timedelta(minutes=1), tick=False):
            reminder_news.tell(session, reminder.id, version=reminder.version)
        assert reminder.state is ReminderState.SENT


def test_what_was_put_off_since_it_was_seen_to_be_due_waits(database: Database) -> None:
    with database.transaction(system("test")) as session:
        reminder, seen = due(session, reader(session)), 1
        records.update(session, reminder, {"remind_at": now() + timedelta(hours=1)})
        reminder_news.tell(session, reminder.id, version=seen)
        assert (told(session), reminder.state) == ((0, 0), ReminderState.WAITING)


def test_a_told_one_is_told_again_at_a_new_moment(database: Database) -> None:
    with database.transaction(system("test")) as session:
        reminder = due(session, reader(session))
        reminder_news.tell(session, reminder.id)
        records.update(session, reminder, {"remind_at": reminder.remind_at - timedelta(seconds=5)})
        reminder_news.tell(session, reminder.id)
        assert told(session) == (2, 2)


@pytest.mark.parametrize(("kind", "number"), [("task", 10**9), ("spaceship", 1), ("task", None), (None, 1)])
def test_a_reminder_points_only_at_what_there_is(database: Database, kind: str | None, number: int | None) -> None:
    with database.transaction(system("test")) as session:
        user_id = reader(session).id
    values = {"subject": "S", "remind_at": now(), "channel": Channel.APP, "user_id": user_id}
    with pytest.raises(BadInput), database.transaction(system("test")) as session:
        records.create(session, Reminder, {**values, "record_type": kind, "record_id": number})
