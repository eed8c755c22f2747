"""What people decide about a mail that did not simply arrive: send it again, it did arrive, do not send it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm import access, audit
from crm.columns import now
from crm.db import actor_of
from crm.entity import operation
from crm.errors import BadInput, Conflict
from crm.i18n import gettext
from crm.jobs.events import JobState, record
from crm.models.email_message import EmailMessage, EmailState
from crm.models.job import Job, JobStatus
from crm.services import emails

#: `captured` is sent once there is a mail server
AGAIN = (EmailState.UNCERTAIN, EmailState.REFUSED, EmailState.CANCELLED, EmailState.CAPTURED)
_WAITING = (JobStatus.QUEUED, JobStatus.DISPATCHED, JobStatus.HELD)
#: at once
MOST = 200
_NAMED = 5
_BUSY = "This mail is being sent right now"


@operation(EmailMessage, icon="send", when=lambda message: message.state in AGAIN)
def resend(session: Session, message: EmailMessage) -> None:
    """Send it once more: by a new job, with the Message-ID it always had, so that a second copy can be known as one."""
    _require(message, *AGAIN)
    earlier = _job(session, message)
    if earlier is not None and earlier.status in (JobStatus.UNCERTAIN, JobStatus.DEAD):
        _move(session, earlier, JobStatus.CANCELLED, "sent again by a new job")
    _change(session, message, "resend", EmailState.READY)
    message.smtp_code, message.smtp_reply = None, ""
    emails.ask_to_send(session, message, key=f"email:{message.id}:{message.version}")


def resend_many(session: Session, keys: Collection[int]) -> int:
    """`resend` for each of these; nothing at all where one of them is not there, not allowed or not for it.

    How many.  Conflict names those whose state does not allow it.
    """
    if len(keys) > MOST:
        raise BadInput("Choose up to %(most)s records", most=MOST)
    wanted = select(EmailMessage).where(EmailMessage.id.in_(keys)).order_by(EmailMessage.id)
    found = session.scalars(wanted.with_for_update(of=EmailMessage)).all()
    if len(found) != len(set(keys)):
        raise BadInput("Some of these records are no longer there; load the list again")
    for message in found:
        access.require_for(session, message, "resend")
    if others := [message for message in found if message.state not in AGAIN]:
        raise Conflict("Nothing was sent again, because of: %(mails)s", mails=_named(others))
    for message in found:
        resend(session, message)
    return len(found)


def _named(messages: Sequence[EmailMessage]) -> str:
    """Subject, recipient and state of some mails, and how many more there are."""
    some = [f"{one.subject} → {one.to_address} ({gettext(one.state.value.capitalize())})" for one in messages[:_NAMED]]
    more = [gettext("%(count)s more", count=len(messages) - _NAMED)] if len(messages) > _NAMED else []
    return "; ".join([*some, *more])


@operation(EmailMessage, icon="mail-check", tone="good", when=lambda message: message.state is EmailState.UNCERTAIN)
def mark_delivered(session: Session, message: EmailMessage) -> None:
    """Nobody answered, but it did arrive."""
    _require(message, EmailState.UNCERTAIN)
    _change(session, message, "mark_delivered", EmailState.SENT)
    message.sent_at = message.sending_at or now()
    job = _job(session, message)
    if job is not None and job.status is JobStatus.UNCERTAIN:
        _move(session, job, JobStatus.SUCCEEDED, "marked as delivered")


@operation(
    EmailMessage,
    icon="mail-x",
    tone="danger",
    when=lambda message: message.state in (EmailState.READY, EmailState.UNCERTAIN),
)
def cancel(session: Session, message: EmailMessage) -> None:
    """Do not send it; one that is uncertain is not sent again."""
    _require(message, EmailState.READY, EmailState.UNCERTAIN)
    job = _job(session, message)
    if job is not None and job.status is JobStatus.RUNNING:
        raise Conflict(_BUSY)
    _change(session, message, "cancel", EmailState.CANCELLED)
    message.smtp_code, message.smtp_reply = None, "Called off"
    if job is not None and job.status in (*_WAITING, JobStatus.UNCERTAIN):
        _move(session, job, JobStatus.CANCELLED, "the mail was called off")


def _require(message: EmailMessage, *states: EmailState) -> None:
    if message.state not in states:
        raise Conflict("This mail is %(state)s", state=message.state.value)


def _job(session: Session, message: EmailMessage) -> Job | None:
    """Locked: no worker takes it meanwhile.  One that a worker holds this very moment is a Conflict."""
    if message.job_id is None:
        return None
    wanted, options = select(Job).where(Job.id == message.job_id), {"unscoped": True, "populate_existing": True}
    job = session.scalar(wanted.with_for_update(skip_locked=True), execution_options=options)
    if job is None and session.scalar(wanted, execution_options=options) is not None:
        raise Conflict(_BUSY)
    return job


def _change(session: Session, message: EmailMessage, verb: str, state: EmailState) -> None:
    """Mail has no audit of its own (it would hold all that was ever written): the decision is written down."""
    audit.note(session, message, verb, {"state": [message.state.value, state.value]})
    message.state = state


def _move(session: Session, job: Job, status: JobStatus, note: str) -> None:
    before, job.status, job.finished_at = job.status, status, now()
    step = JobState(job.id, before, status, job.attempt, note)
    record(session.connection(), [step], by=actor_of(session).name)
    session.flush()
