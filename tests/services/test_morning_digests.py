"""Overdue tasks come as one digest a morning."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import system
from crm.db import Database
from crm.models import (
    EmailMessage,
    Job,
    Notification,
    NotificationPreference,
    Reminder,
    Task,
)
from crm.models.reminder import ReminderKind
from crm.services import records, reminder_news, snoozes
from crm.services.snoozes import Wait
from crm.workers import clock
from tests.services.morning_samples import DAY, EIGHT_IN_BERLIN, deal, morning, person

pytestmark = pytest.mark.usefixtures("long_before")


def test_overdue_tasks_come_as_one_digest_a_morning(database: Database) -> None:
    with database.transaction(system("test")) as session:
        user, idle = person(session, locale="zh"), person(session)
        given: list[dict[str, Any]] = [
            {"due_date": DAY - timedelta(days=1)},
            {"due_at": EIGHT_IN_BERLIN - timedelta(hours=1)},
        ]
        for due in (*given, {"due_date": DAY}, {"due_at": EIGHT_IN_BERLIN + timedelta(hours=2)}):
            records.create(session, Task, {"title": f"Call {due}"[:40], "assignee_id": user.id, **due})
        for person_id, status in ((user.id, "completed"), (idle.id, "cancelled")):
            values = {"title": "Done", "assignee_id": person_id, "due_date": DAY - timedelta(days=9), "status": status}
            records.create(session, Task, values)
    assert morning(database, EIGHT_IN_BERLIN) == [("overdue", "逾期任务：2")]
    assert len(morning(database, EIGHT_IN_BERLIN + timedelta(hours=8))) == 1
    assert len(morning(database, EIGHT_IN_BERLIN + timedelta(days=1))) == 2
    with database.read_only(system("test")) as session:
        first = session.scalars(select(Notification).order_by(Notification.id)).first()
        assert first is not None
        assert first.body.count("\n") == 1
        assert "overdue=true" in first.link


def test_one_that_is_put_off_is_told_once_more_while_it_stands(database: Database) -> None:
    with database.transaction(system("test")) as session:
        deal(session, person(session), next_step_date=DAY)
    assert len(morning(database, EIGHT_IN_BERLIN)) == 1
    with time_machine.travel(EIGHT_IN_BERLIN, tick=False), database.transaction(system("test")) as session:
        reminder = session.scalars(select(Reminder).where(Reminder.kind == ReminderKind.FOLLOW_UP)).one()
        snoozes.snooze(session, reminder, wait=Wait.TOMORROW_MORNING)
        assert reminder.remind_at == EIGHT_IN_BERLIN + timedelta(days=1)
    assert len(morning(database, EIGHT_IN_BERLIN + timedelta(hours=23))) == 1
    assert len(morning(database, EIGHT_IN_BERLIN + timedelta(hours=24))) == 2
    assert len(morning(database, EIGHT_IN_BERLIN + timedelta(hours=30))) == 2


def test_the_digest_is_mailed_with_links_to_whoever_wants_it_so(database: Database) -> None:
    with database.transaction(system("test")) as session:
        user = person(session)
        made = records.create(
            session, Task, {"title": "Call <b>", "assignee_id": user.id, "due_date": DAY.replace(day=1)}
        )
        wish = {"user_id": user.id, "kind": "overdue", "in_app": False, "by_mail": True}
        records.create(session, NotificationPreference, wish)
        path = f"https://crm.example/admin/task/details/{made.id}"
    with time_machine.travel(EIGHT_IN_BERLIN, tick=False):
        clock.ask_for_mornings(database)
        with database.transaction(system("test")) as session:
            (reminder,) = session.scalars(select(Reminder)).all()
            for _ in range(2):
                reminder_news.tell(session, reminder.id, address="https://crm.example")
    with database.read_only(system("test")) as session:
        (mail,) = session.scalars(select(EmailMessage)).all()
        assert mail.subject == "Overdue tasks: 1"
        assert path in mail.text_body
        assert f'href="{path}"' in mail.html_body
        assert "Call <b>" not in mail.html_body
        assert session.scalars(select(Job.kind)).all() == ["email.send"]
