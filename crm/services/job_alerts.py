"""Administrators, and whoever asked for a job, are told once when it is dead, or nobody knows what became of it.

Administrators hear, too, once an hour, that jobs are late: in the panel alone, for no worker would send a mail.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from crm import formats
from crm.columns import now
from crm.entity import name_of
from crm.i18n import gettext, using
from crm.models.email_message import EmailMessage, EmailPurpose
from crm.models.job import Job, JobStatus
from crm.models.notification import Notification
from crm.models.role import Role
from crm.models.user import User
from crm.rights import ADMIN
from crm.services import job_console, job_kinds, links, notifications, own_words

KIND = "job_failed"
CONSOLE = "/admin/jobs"
#: jobs that have been due for so long are worth a word
_LATE = timedelta(minutes=10)
#: what ended longer ago was seen, or nobody was there to be told
_WITHIN = timedelta(days=1)
_AT_ONCE = 100
_UNSCOPED = {"unscoped": True}


def tell_of_dead(session: Session) -> int:
    """Write the notifications that are due; how many jobs they are about.  A job that dies again is told again."""
    ended = session.scalars(_untold(), execution_options=_UNSCOPED).all()
    if not ended:
        return 0
    administrators = _administrators(session)
    for job in ended:
        _tell(session, job, administrators)
    return len(ended)


def tell_of_late(session: Session) -> int:
    """Write that jobs wait for a worker, if they do and nobody has heard of it within this hour; how many are told."""
    oldest = _oldest_late(session)
    if oldest is None:
        return 0
    put_off = job_console.is_put_off(oldest)
    waited = int((now() - (oldest.created_at if put_off else oldest.run_at)).total_seconds())
    who = (User.id.in_(_administrators(session)), User.status, User.deleted_at.is_(None))
    users = session.scalars(select(User).where(*who).order_by(User.id), execution_options=_UNSCOPED).all()
    for user in users:
        with using(user.locale):
            away = gettext("Mail waits: the mail server does not take it")
            title = away if put_off else gettext("Jobs are late: no worker takes them")
            body = gettext("The oldest has been due for %(since)s.", since=formats.duration(waited))
        key = f"{_late_key()}{user.id}"
        notifications.tell(session, user, kind=KIND, title=title, body=body, key=key, link=CONSOLE, mail=False)
    return len(users)


def anything_to_tell(session: Session) -> bool:
    """A look that writes nothing."""
    dead = session.scalar(_untold().limit(1), execution_options=_UNSCOPED)
    return dead is not None or _oldest_late(session) is not None


def _oldest_late(session: Session) -> Job | None:
    """The job that has been late for longest; None where there is none, or it was told within this hour."""
    late = select(Job).where(job_console.due_since(now() - _LATE)).order_by(job_console.due_at(), Job.id).limit(1)
    oldest: Job | None = session.scalar(late, execution_options=_UNSCOPED)
    if oldest is None:
        return None
    told = select(Notification.id).where(Notification.key.startswith(_late_key(), autoescape=True)).limit(1)
    return oldest if session.scalar(told, execution_options=_UNSCOPED) is None else None


def _late_key() -> str:
    return f"jobs-late:{now():%Y-%m-%dT%H}:"


def _untold() -> Select[Job]:
    told = exists().where(
        Notification.kind == KIND,
        Notification.record_type == "job",
        Notification.record_id == Job.id,
        Notification.created_at >= Job.finished_at,
    )
    badly = (Job.status.in_((JobStatus.DEAD, JobStatus.UNCERTAIN)), Job.finished_at > now() - _WITHIN)
    return select(Job).where(*badly, ~told).order_by(Job.id).limit(_AT_ONCE)


def _administrators(session: Session) -> list[int]:
    wanted = select(User.id).where(User.roles.any(Role.name == ADMIN))
    return list(session.scalars(wanted, execution_options=_UNSCOPED))


def _tell(session: Session, job: Job, administrators: Iterable[int]) -> None:
    who = or_(User.id.in_(administrators), User.id == job.principal_id)
    wanted = select(User).where(who, User.status, User.deleted_at.is_(None)).order_by(User.id)
    mail = session.scalar(select(EmailMessage).where(EmailMessage.job_id == job.id), execution_options=_UNSCOPED)
    about, ended = links.Link(name_of(Job), job.id), int(job.finished_at.timestamp()) if job.finished_at else 0
    for user in session.scalars(wanted, execution_options=_UNSCOPED):
        with using(user.locale):
            title, body = _title(job, mail), _body(job, mail)
        notifications.tell(
            session,
            user,
            kind=KIND,
            title=title,
            body=body,
            key=f"job:{job.id}:{ended}:{user.id}",
            link=links.path(links.Link(name_of(EmailMessage), mail.id) if mail is not None else about),
            about=about,
            mail=mail is None or mail.purpose is EmailPurpose.BUSINESS,  # else a dead mail would make the next one
        )


def _title(job: Job, mail: EmailMessage | None) -> str:
    if mail is None:
        return gettext("A job failed: %(kind)s", kind=job_kinds.title(job.kind))
    if job.status is JobStatus.UNCERTAIN:
        return gettext("Nobody knows whether this mail arrived: %(subject)s", subject=mail.subject)
    return gettext("This mail could not be sent: %(subject)s", subject=mail.subject)


def _body(job: Job, mail: EmailMessage | None) -> str:
    """Why, and to whom it should have gone."""
    why = own_words.shown(job.last_error)
    return f"{mail.to_address}\n{why}" if mail is not None else why
