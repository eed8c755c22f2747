"""The job console counts what needs a human, and administrators hear of a dead job once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.actor import Actor, Scope, system
from crm.columns import now
from crm.db import Database
from crm.jobs import enqueue, presence
from crm.jobs import lease as leases
from crm.models import Job, Notification
from crm.models.email_message import EmailPurpose
from crm.models.job import JobStatus
from crm.rights import load_actor
from crm.services import emails, job_alerts, job_console, jobs
from crm.workers import clock
from tests import factories

ASK: dict[str, Any] = {"unscoped": True}


def make(session: Session, key: str, *, queue: str = "default", **values: Any) -> int:
    number = enqueue(session, "report.mail", key=key, queue=queue)
    assert number is not None
    if values:
        session.execute(update(Job).where(Job.id == number).values(**values), execution_options=ASK)
    return number


def one_of_each(session: Session, **values: Any) -> list[int]:
    """dead, uncertain, late"""
    moment = now()
    made = [make(session, "d", status=JobStatus.DEAD, finished_at=moment, last_error="It broke", **values)]
    made.append(make(session, "u", status=JobStatus.UNCERTAIN, **values))
    made.append(make(session, "l", queue="mail", run_at=moment - timedelta(minutes=5), **values))
    return made


def test_each_kind_of_trouble_is_counted_and_shown(database: Database) -> None:
    with database.transaction(system("test")) as session:
        dead, uncertain, late = one_of_each(session)
        make(session, "fresh")
        make(session, "later", run_at=now() + timedelta(hours=1))
        make(session, "busy", queue="mail", status=JobStatus.RUNNING, started_at=now())
        presence.beat(session.connection(), process="host:1", role="worker")
    with database.read_only(system("test")) as session:
        found = job_console.figures(session)
        assert (found.dead, found.uncertain, found.late, found.trouble) == (1, 1, 1, 3)
        assert found.oldest_due_age_s is not None
        assert 300 <= found.oldest_due_age_s < 360
        queues = {q.name: (q.waiting, q.running, q.late) for q in found.queues}
        assert queues == {"default": (1, 0, 0), "mail": (1, 1, 1), "ai": (0, 0, 0), "reports": (0, 0, 0)}
        assert [(p.name, p.role, p.is_heard) for p in found.processes] == [("host:1", "worker", True)]
        assert [job.id for job in job_console.troubled(session)] == [uncertain, dead, late]
        assert job_console.count_trouble(session, session.actor) == 3
        assert [e.to_status for e in job_console.events_of(session, [dead])[dead]] == ["queued"]


def test_nothing_waits_on_an_idle_system(database: Database) -> None:
    with database.read_only(system("test")) as session:
        found = job_console.figures(session)
        assert (found.oldest_due_age_s, found.trouble, sum(found.finished)) == (None, 0, 0)
        assert len(found.finished) == job_console.MINUTES


def test_finished_jobs_stand_in_the_minute_they_ended(database: Database) -> None:
    with database.transaction(system("test")) as session:
        number = make(session, "done")
        lease = leases.claim(session.connection(), number, worker="w")
        assert lease is not None
        leases.finish(session.connection(), lease)
    with database.read_only(system("test")) as session:
        finished = job_console.figures(session).finished
        assert sum(finished) == sum(finished[-2:]) == 1


def test_everyone_counts_only_what_they_may_see(database: Database) -> None:
    with database.transaction(system("test")) as session:
        mine, other = (factories.user(session, {"view_jobs": Scope.OWN}).id for _ in range(2))
        one_of_each(session, principal_id=other)
        make(session, "mine", status=JobStatus.DEAD, principal_id=mine)
        actor = load_actor(session, mine)
    assert isinstance(actor, Actor)
    with database.read_only(actor) as session:
        assert job_console.count_trouble(session, actor) == 1
        assert job_console.figures(session).dead == 1


@pytest.mark.parametrize("again", [False, True])
def test_administrators_and_the_principal_hear_of_a_dead_job_once(database: Database, again: bool) -> None:
    with database.transaction(system("test")) as session:
        admin, principal, _ = factories.user(session, admin=True), factories.user(session), factories.user(session)
        told = [admin.id, principal.id]
        dead, *_ = one_of_each(session, principal_id=principal.id)
    for expected in (1, 0):
        with database.transaction(system("test")) as session:
            assert job_alerts.anything_to_tell(session) is bool(expected)
            assert job_alerts.tell_of_dead(session) == expected
    if again:
        with database.transaction(system("test")) as session:
            job = session.get_one(Job, dead)
            jobs.retry(session, job)
            job.status, job.finished_at = JobStatus.DEAD, now() + timedelta(seconds=2)
        with database.transaction(system("test")) as session:
            assert job_alerts.tell_of_dead(session) == 1
    with database.read_only(system("test")) as session:
        rows = session.scalars(select(Notification).order_by(Notification.id)).all()
        assert [row.user_id for row in rows] == told * (2 if again else 1)
        assert {(row.kind, row.body, row.link) for row in rows} == {
            ("job_failed", "It broke", f"/admin/job/details/{dead}")
        }


@pytest.mark.parametrize("status", [JobStatus.DEAD, JobStatus.UNCERTAIN])
def test_a_mail_that_failed_is_told_by_its_subject_and_leads_to_the_mail(database: Database, status: JobStatus) -> None:
    with database.transaction(system("test")) as session:
        factories.user(session, admin=True).locale = "zh"
        business = EmailPurpose.BUSINESS
        mail = emails.queue(session, to="bo@b.example", subject="Our offer", text="T", key="k", purpose=business)
        job = session.get_one(Job, mail.job_id)
        job.status, job.finished_at, job.last_error = status, now(), "Connection unexpectedly closed"
        number = mail.id
    with database.transaction(system("test")) as session:
        assert job_alerts.tell_of_dead(session) == 1
        assert job_alerts.tell_of_dead(session) == 0
    with database.read_only(system("test")) as session:
        (told,) = session.scalars(select(Notification)).all()
        assert "Our offer" in told.title
        assert "mail" not in told.title
        assert told.body.startswith("bo@b.example\n")
        assert "Connection" not in told.body
        assert told.link == f"/admin/email-message/details/{number}"
        assert session.scalar(select(func.count(Job.id)).where(Job.kind == "notification.mail")) == 1


def test_mail_that_tells_of_dead_mail_makes_no_more_of_it(database: Database) -> None:
    with database.transaction(system("test")) as session:
        factories.user(session, admin=True)
        mail = emails.queue(session, to="gone@b.example", subject="A job failed", text="T", key="notification:1")
        job = session.get_one(Job, mail.job_id)
        job.status, job.finished_at = JobStatus.DEAD, now()
    with database.transaction(system("test")) as session:
        assert job_alerts.tell_of_dead(session) == 1
    with database.read_only(system("test")) as session:
        assert session.scalar(select(func.count(Notification.id))) == 1
        assert session.scalar(select(func.count(Job.id)).where(Job.kind == "notification.mail")) == 0


def test_administrators_hear_once_an_hour_that_jobs_are_late(database: Database) -> None:
    begin = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
    with time_machine.travel(begin, tick=False), database.transaction(system("test")) as session:
        factories.user(session, admin=True)
        factories.user(session)
        make(session, "l", run_at=begin)
    for minutes, expected in ((9, 0), (11, 1), (12, 0), (31, 1), (59, 0)):
        with time_machine.travel(begin + timedelta(minutes=minutes), tick=False):
            assert clock.tell_of_dead_jobs(database) == expected
    with database.read_only(system("test")) as session:
        rows = session.scalars(select(Notification).order_by(Notification.id)).all()
        assert [row.body for row in rows] == [f"The oldest has been due for {n} minutes." for n in (11, 31)]
        assert {row.link for row in rows} == {"/admin/jobs"}
        assert session.scalar(select(func.count(Job.id)).where(Job.kind == "notification.mail")) == 0
