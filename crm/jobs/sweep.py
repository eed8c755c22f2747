"""Tidies up after workers that vanished: their leases run out, and their jobs are run again, or given up, or shown."""

from __future__ import annotations

from sqlalchemy import Connection, and_, case, exists, update

from crm.jobs.events import change, instant
from crm.models.email_message import EmailMessage, EmailState
from crm.models.job import Job, JobEffect, JobStatus

#: a job whose workers vanished twice waits: if it was not to blame, what ended them may be over by then
SECOND_CRASH_PAUSE_S = 30.0
_WHY = "the worker vanished"


def sweep(connection: Connection, *, by: str, pause_s: float = SECOND_CRASH_PAUSE_S) -> int:
    """How many jobs had lost their worker. At-most-once mail that was being handed over becomes uncertain."""
    in_flight = exists().where(EmailMessage.job_id == Job.id, EmailMessage.state == EmailState.SENDING)
    status = case(
        (and_(Job.effect == JobEffect.AT_MOST_ONCE, in_flight), JobStatus.UNCERTAIN.value),
        (Job.cancel_asked_at.is_not(None), JobStatus.CANCELLED.value),
        (Job.crashes + 1 >= Job.max_crashes, JobStatus.DEAD.value),
        else_=JobStatus.QUEUED.value,
    )
    statement = (
        update(Job)
        .where(Job.status == JobStatus.RUNNING, Job.lease_until < instant(connection))
        .values(
            crashes=Job.crashes + 1,
            status=status,
            lease_token=None,
            lease_until=None,
            error_class="WorkerVanished",
            last_error=_WHY,
            run_at=case(
                (status != JobStatus.QUEUED.value, Job.run_at),
                # behind what waits already: what kills its workers must not be first in line each time
                (Job.crashes == 0, instant(connection)),
                else_=instant(connection, plus_s=pause_s),
            ),
            finished_at=case((status == JobStatus.QUEUED.value, None), else_=instant(connection)),
        )
        .returning(Job.id, Job.status, Job.attempt)
    )
    rows = change(connection, statement, before=JobStatus.RUNNING, by=by, note=_WHY)
    _show_uncertain(connection)
    _show_ended(connection)
    return len(rows)


def _show_uncertain(connection: Connection) -> None:
    """A mail whose job is uncertain, or dead in the middle of handing over, is uncertain itself."""
    ended = exists().where(Job.id == EmailMessage.job_id, Job.status.in_([JobStatus.UNCERTAIN, JobStatus.DEAD]))
    connection.execute(
        update(EmailMessage)
        .where(EmailMessage.state == EmailState.SENDING, ended)
        .values(state=EmailState.UNCERTAIN, version=EmailMessage.version + 1)
    )


def _show_ended(connection: Connection) -> None:
    """A mail that waits for a job which is dead (its worker vanished too often), or called off while it ran, will
    never be sent by itself.
    """
    for ended, state in ((JobStatus.DEAD, EmailState.REFUSED), (JobStatus.CANCELLED, EmailState.CANCELLED)):
        job = exists().where(Job.id == EmailMessage.job_id, Job.status == ended)
        connection.execute(
            update(EmailMessage)
            .where(EmailMessage.state == EmailState.READY, job)
            .values(state=state, version=EmailMessage.version + 1)
        )
