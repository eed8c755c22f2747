"""Jobs can be run again, called off and let go: in the row, the diary, the audit and the mail alike."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.errors import Conflict
from crm.jobs import enqueue
from crm.models import AuditEntry, EmailMessage, Job, JobEvent, Restoration
from crm.models.email_message import EmailState
from crm.models.job import JobEffect, JobStatus
from crm.services import emails, jobs, restorations


def make(session: Session, status: JobStatus = JobStatus.QUEUED, **values: Any) -> Job:
    """A job that stands where it is said to stand."""
    number = enqueue(session, "report.mail", key=f"k{values.pop('key', '')}", queue="reports")
    session.execute(
        update(Job).where(Job.id == number).values(status=status, **values), execution_options={"unscoped": True}
    )
    return session.get_one(Job, number)


@pytest.mark.parametrize("status", [JobStatus.DEAD, JobStatus.UNCERTAIN, JobStatus.CANCELLED])
def test_a_job_that_ended_badly_runs_again_with_all_its_attempts(database: Database, status: JobStatus) -> None:
    with database.transaction(system("Ann")) as session:
        job = make(session, status, attempt=10, crashes=3, finished_at=now(), cancel_asked_at=now(), progress_done=3)
        jobs.retry(session, job)
        session.refresh(job)
        assert (job.status, job.attempt, job.crashes, job.finished_at) == (JobStatus.QUEUED, 0, 0, None)
        assert (job.cancel_asked_at, job.progress_done) == (None, None)
        last = session.scalars(select(JobEvent).order_by(JobEvent.id.desc())).first()
        assert last is not None
        assert (last.from_status, last.to_status, last.actor) == (status.value, "queued", "Ann")
        entry = session.scalars(select(AuditEntry).where(AuditEntry.entity == "job")).one()
        assert (entry.action, entry.changes) == ("retry", {"status": [status.value, "queued"]})


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.HELD])
def test_a_job_that_did_not_end_badly_is_not_run_again(database: Database, status: JobStatus) -> None:
    with database.transaction(system("test")) as session, pytest.raises(Conflict):
        jobs.retry(session, make(session, status))


@pytest.mark.parametrize(
    "status", [JobStatus.QUEUED, JobStatus.DISPATCHED, JobStatus.HELD, JobStatus.DEAD, JobStatus.UNCERTAIN]
)
def test_what_waits_or_is_stuck_can_be_called_off(database: Database, status: JobStatus) -> None:
    with database.transaction(system("test")) as session:
        job = make(session, status)
        jobs.cancel(session, job)
        assert job.status is JobStatus.CANCELLED
        assert job.finished_at is not None


def test_a_running_job_is_asked_to_stop_once(database: Database) -> None:
    with database.transaction(system("test")) as session:
        job = make(session, JobStatus.RUNNING)
        jobs.cancel(session, job)
        assert job.status is JobStatus.RUNNING
        assert job.cancel_asked_at is not None
        with pytest.raises(Conflict):
            jobs.cancel(session, job)


def mail(session: Session, status: JobStatus, state: EmailState) -> tuple[Job, EmailMessage]:
    message = emails.queue(session, to="a@b.example", subject="S", text="T", key=f"{status}{state}")
    message.state = state
    session.flush()
    where = update(Job).where(Job.id == message.job_id).values(status=status)
    session.execute(where, execution_options={"unscoped": True})
    return session.get_one(Job, message.job_id), message


def test_a_mail_follows_its_job(database: Database) -> None:
    with database.transaction(system("test")) as session:
        job, message = mail(session, JobStatus.QUEUED, EmailState.READY)
        jobs.cancel(session, job)
        assert message.state == "cancelled"
        jobs.retry(session, job)
        assert message.state == "ready"
        job, message = mail(session, JobStatus.DEAD, EmailState.REFUSED)
        jobs.retry(session, job)
        assert message.state is EmailState.READY


def test_a_mail_that_is_better_sent_twice_is_sent_again_with_its_job(database: Database) -> None:
    with database.transaction(system("test")) as session:
        job, message = mail(session, JobStatus.DEAD, EmailState.UNCERTAIN)
        job.effect = JobEffect.AT_LEAST_ONCE
        jobs.retry(session, job)
        assert message.state == "ready"


def test_an_unclear_mail_is_decided_at_the_mail(database: Database) -> None:
    with database.transaction(system("test")) as session:
        job, message = mail(session, JobStatus.UNCERTAIN, EmailState.UNCERTAIN)
        for verb in (jobs.retry, jobs.cancel):
            with pytest.raises(Conflict, match="Nobody knows"):
                verb(session, job)
        assert (job.status, message.state) == (JobStatus.UNCERTAIN, EmailState.UNCERTAIN)


# ---------------------------------------------------------------------------------------------- a restored copy


def test_a_restored_copy_holds_what_leaves_the_house_until_it_is_released(database: Database) -> None:
    with database.transaction(system("test")) as session:
        copy = Restoration(archive="b.tar.gz", made_at=now(), held=0)
        session.add(copy)
        session.flush()
        message = emails.queue(session, to="a@b.example", subject="S", text="T", key="k")
        sent, inner = session.get_one(Job, message.job_id), make(session)
        assert (sent.status, inner.status) == (JobStatus.HELD, JobStatus.QUEUED)
        assert restorations.is_a_copy(session)
        assert restorations.count_held(session) == 1
        restorations.release(session, copy)
        session.refresh(sent)
        assert sent.status is JobStatus.QUEUED
        assert restorations.unreleased(session) is None
        with pytest.raises(Conflict):
            restorations.release(session, copy)


def test_a_mail_that_is_run_again_in_a_copy_is_held_too_and_can_be_let_go_alone(database: Database) -> None:
    with database.transaction(system("test")) as session:
        session.add(Restoration(archive="b.tar.gz", made_at=now(), held=0))
        job, _ = mail(session, JobStatus.DEAD, EmailState.REFUSED)
        jobs.retry(session, job)
        assert job.status == "held"
        jobs.release(session, job)
        assert job.status == "queued"
        assert job.effect is JobEffect.AT_MOST_ONCE
        assert restorations.is_a_copy(session)
