"""What people do with jobs: run them again, call them off, let them go."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm import audit
from crm.columns import now
from crm.db import actor_of
from crm.entity import operation
from crm.errors import Conflict
from crm.jobs.events import JobState, instant, record
from crm.jobs.holding import status_for
from crm.models.email_message import EmailMessage, EmailState
from crm.models.job import Job, JobEffect, JobStatus

MAIL = "email.send"
_ENDED_BADLY = (JobStatus.DEAD, JobStatus.UNCERTAIN, JobStatus.CANCELLED)
_WAITING = (JobStatus.QUEUED, JobStatus.DISPATCHED, JobStatus.HELD)
_UNCLEAR = "Nobody knows whether this mail arrived: say at the mail itself whether to send it again"


def can_retry(job: Job) -> bool:
    return job.status in _ENDED_BADLY and not _is_unclear_mail(job)


def can_cancel(job: Job) -> bool:
    if job.status is JobStatus.RUNNING:
        return job.cancel_asked_at is None
    return job.status in (*_WAITING, JobStatus.DEAD, JobStatus.UNCERTAIN) and not _is_unclear_mail(job)


@operation(Job, icon="refresh", when=can_retry)
def retry(session: Session, job: Job) -> None:
    """Run the job again, with all its attempts."""
    if not can_retry(job):
        raise Conflict(_UNCLEAR) if _is_unclear_mail(job) else _unfit(job, "run again")
    unsent = {EmailState.REFUSED, EmailState.CANCELLED}
    if job.effect is JobEffect.AT_LEAST_ONCE:  # better twice than never
        unsent.add(EmailState.UNCERTAIN)
    _change_mail(session, job, unsent, EmailState.READY)
    connection = session.connection()
    job.attempt = job.crashes = 0
    job.run_at = instant(connection)
    job.finished_at = job.cancel_asked_at = None
    job.progress_done = job.progress_total = None
    job.progress_note = job.error_class = ""
    _move(session, job, status_for(connection, job.effect), "retry", "run again")


@operation(Job, icon="player-stop", tone="danger", when=can_cancel)
def cancel(session: Session, job: Job) -> None:
    """Call the job off; one that is running is asked to stop at its next step."""
    if not can_cancel(job):
        raise Conflict(_UNCLEAR) if _is_unclear_mail(job) else _unfit(job, "cancelled")
    if job.status is JobStatus.RUNNING:
        job.cancel_asked_at = now()
        _write_down(session, job, JobStatus.RUNNING, "asked to stop")
        audit.note(session, job, "cancel", {"cancel_asked_at": [None, audit.plain(job.cancel_asked_at)]})
        session.flush()
        return
    _change_mail(session, job, {EmailState.READY}, EmailState.CANCELLED)
    job.finished_at = now()
    _move(session, job, JobStatus.CANCELLED, "cancel", "called off")


@operation(Job, icon="player-play", tone="good", when=lambda job: job.status is JobStatus.HELD)
def release(session: Session, job: Job) -> None:
    """Let a job go that was held back."""
    if job.status is not JobStatus.HELD:
        raise _unfit(job, "released")
    job.run_at = instant(session.connection())
    _move(session, job, JobStatus.QUEUED, "release", "released")


def _is_unclear_mail(job: Job) -> bool:
    return job.kind == MAIL and job.status is JobStatus.UNCERTAIN


def _unfit(job: Job, wish: str) -> Conflict:
    return Conflict("A job that is %(status)s cannot be %(wish)s", status=job.status.value, wish=wish)


def _move(session: Session, job: Job, status: JobStatus, verb: str, note: str) -> None:
    """The new status with its line in the diary and in the audit; the caller has locked the row."""
    before, job.status = job.status, status
    _write_down(session, job, before, note)
    audit.note(session, job, verb, {"status": [before.value, status.value]})
    session.flush()


def _write_down(session: Session, job: Job, before: JobStatus, note: str) -> None:
    step = JobState(job.id, before, job.status, job.attempt, note)
    record(session.connection(), [step], by=actor_of(session).name)


def _change_mail(session: Session, job: Job, before: set[EmailState], after: EmailState) -> None:
    """A mail and its job never tell different stories."""
    if job.kind != MAIL:
        return
    wanted = select(EmailMessage).where(EmailMessage.job_id == job.id, EmailMessage.state.in_(before))
    message: Any = session.scalar(wanted, execution_options={"unscoped": True})
    if message is not None:
        message.state = after
