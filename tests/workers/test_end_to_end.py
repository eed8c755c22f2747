"""The way through the house: a row is written, a job is asked for, woken, claimed and done; once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import redis
from sqlalchemy import select

from crm.actor import Scope, system
from crm.columns import now
from crm.db import Database
from crm.models import EmailMessage, Notification, Opportunity, Reminder, Schedule, Stage, Task
from crm.models.email_message import EmailState
from crm.models.job import JobStatus
from crm.models.reminder import ReminderState
from crm.rights import load_actor
from crm.schemas import parse
from crm.services import emails, records
from crm.settings import Settings
from crm.workers.relay import Relay
from tests import factories
from tests.waiting import until
from tests.workers.conftest import jobs, until_ended
from tests.workers.post_office import PostOffice

Start = Callable[[Settings], None]


def rows(database: Database, model: type[Any]) -> list[Any]:
    with database.read_only(system("test")) as session:
        found = list(session.scalars(select(model).order_by(model.id)))
        session.expunge_all()
    return found


def reminded_task(database: Database, **values: Any) -> int:
    """A task of somebody who speaks Chinese, with a reminder that is due now."""
    with database.transaction(system("setup")) as session:
        user = factories.user(
            session, {"view_tasks": Scope.OWN, "create_task": Scope.OWN, "create_reminder": Scope.OWN}
        )
        user.locale, user.timezone = "zh", "Asia/Shanghai"
        user_id = user.id
    with database.read_only(system("setup")) as session:
        actor = load_actor(session, user_id)
    assert actor is not None
    with database.transaction(actor) as session:
        reminder = {"remindAt": now().isoformat(), "channel": "both"}
        body = {"title": "给王总打电话", "reminders": [reminder], **values}
        records.create(session, Task, parse(Task, "create", body, by="json"))
    return user_id


def test_a_task_with_a_reminder_due_now_gives_one_mail_and_one_notification(
    database: Database, mailing: Settings, office: PostOffice, running: Start
) -> None:
    user_id = reminded_task(database)
    running(mailing)
    running(mailing)  # two workers and two schedulers do no more than one of each
    until(lambda: office.taken and rows(database, Notification))
    until(lambda: all(job.status is JobStatus.SUCCEEDED for job in jobs(database)))
    (mail,), (news,), (reminder,) = office.taken, rows(database, Notification), rows(database, Reminder)
    assert "给王总打电话" in mail["Subject"]
    assert mail.get_body(("plain",)) is not None
    assert mail.get_body(("html",)) is not None
    assert (news.user_id, news.title, news.link) == (
        user_id,
        "给王总打电话",
        f"/admin/task/details/{reminder.record_id}",
    )
    assert reminder.state is ReminderState.SENT
    assert [m.state for m in rows(database, EmailMessage)] == [EmailState.SENT]


def test_without_a_mail_server_the_mail_is_kept_in_the_inbox(
    database: Database, settings: Settings, running: Start
) -> None:
    reminded_task(database)
    running(settings)
    (message,) = until(lambda: [m for m in rows(database, EmailMessage) if m.state is not EmailState.READY])
    assert message.state is EmailState.CAPTURED
    assert message.html_body


def test_a_schedule_mails_the_open_pipeline_with_its_owners_rights(
    database: Database, mailing: Settings, office: PostOffice, running: Start
) -> None:
    with database.transaction(system("setup")) as session:
        owner = factories.user(session, {"view_opportunities": Scope.OWN})
        pipeline = factories.default_pipeline(session)
        stage = session.scalars(select(Stage).where(Stage.pipeline_id == pipeline.id)).one()
        mine, foreign = {"owner_id": owner.id}, {"owner_id": factories.user(session).id}
        deals = [("1000.50", "USD", mine), ("250", "USD", mine), ("900", "CNY", mine), ("7", "EUR", foreign)]
        for number, (amount, currency, whose) in enumerate(deals):
            values = {"name": f"Deal {number}", "stage_id": stage.id, "pipeline_id": pipeline.id, **whose}
            records.create(session, Opportunity, {**values, "amount": Decimal(amount), "currency": currency})
        schedule = records.create(
            session,
            Schedule,
            {
                "name": "Weekly figures",
                "kind": "report.mail",
                "payload": {"report": "open_pipeline", "recipients": [owner.id]},
                "interval_s": 3600,
                "owner_id": owner.id,
            },
        )
        schedule.fires_after = now() - timedelta(hours=5)  # five fires were missed: the policy is `latest`
    running(mailing)
    running(mailing)
    until(lambda: office.taken)
    until(lambda: all(job.status is JobStatus.SUCCEEDED for job in jobs(database)))
    (mail,) = office.taken
    body = mail.get_body(("html",))
    assert body is not None
    text = body.get_content()
    assert "$1,250.50" in text
    assert "¥900" in text
    assert "€7" not in text


def test_a_job_is_done_although_redis_forgot_everything(
    database: Database, mailing: Settings, office: PostOffice, running: Start
) -> None:
    with database.transaction(system("test")) as session:
        message = emails.queue(session, to="a@example.com", subject="Hello", text="Hi", key="one")
        job_id = message.job_id
    Relay(database, mailing.redis_url, name="dies after sending").step()
    with redis.Redis.from_url(mailing.redis_url) as client:
        assert client.dbsize()
        client.flushdb()
    with database.engine().begin() as connection:  # 31 s later
        connection.exec_driver_sql("UPDATE job SET dispatched_at = '2026-01-01 00:00:00.000000'")
    running(mailing)
    assert until_ended(database, job_id).status is JobStatus.SUCCEEDED
    assert len(office.taken) == 1


def test_asking_for_a_job_never_talks_to_redis(database: Database, settings: Settings, ann: int) -> None:
    """Nothing but a row is written: the web has no client of the broker at all."""
    with database.transaction(system("web")) as session:
        assert emails.queue(session, to="a@example.com", subject="Hello", text="Hi", key="one").job_id
    with redis.Redis.from_url(settings.redis_url) as client:
        assert client.dbsize() == 0


def test_the_web_process_does_not_even_load_the_broker() -> None:
    program = "import sys, crm.app; print(sorted({'dramatiq', 'apscheduler.schedulers'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
