"""Administrators, and whoever asked for a job, are told once when it is dead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.entity import name_of
from crm.i18n import translate
from crm.models.job import Job, JobStatus
from crm.models.notification import Notification
from crm.models.role import Role
from crm.models.user import User
from crm.rights import ADMIN
from crm.services import links, notifications

KIND = "job_failed"
TITLE = "A job failed: %(kind)s"
#: what died longer ago was seen, or nobody was there to be told
_WITHIN = timedelta(days=1)
_AT_ONCE = 100
_UNSCOPED = {"unscoped": True}


def tell_of_dead(session: Session) -> int:
    """Write the notifications that are due; how many jobs they are about.  A job that dies again is told again."""
    dead = session.scalars(_untold(), execution_options=_UNSCOPED).all()
    if not dead:
        return 0
    administrators = _administrators(session)
    for job in dead:
        _tell(session, job, administrators)
    return len(dead)


def anything_to_tell(session: Session) -> bool:
    """A look that writes nothing."""
    return session.scalar(_untold().limit(1), execution_options=_UNSCOPED) is not None


def _untold() -> Select[Job]:
    told = exists().where(
        Notification.kind == KIND,
        Notification.record_type == "job",
        Notification.record_id == Job.id,
        Notification.created_at >= Job.finished_at,
    )
    dead = (Job.status == JobStatus.DEAD, Job.finished_at > now() - _WITHIN)
    return select(Job).where(*dead, ~told).order_by(Job.id).limit(_AT_ONCE)


def _administrators(session: Session) -> list[int]:
    wanted = select(User.id).where(User.roles.any(Role.name == ADMIN))
    return list(session.scalars(wanted, execution_options=_UNSCOPED))


def _tell(session: Session, job: Job, administrators: Iterable[int]) -> None:
    who = or_(User.id.in_(administrators), User.id == job.principal_id)
    wanted = select(User).where(who, User.status, User.deleted_at.is_(None)).order_by(User.id)
    about = links.Link(name_of(Job), job.id)
    ended = int(job.finished_at.timestamp()) if job.finished_at else 0
    for user in session.scalars(wanted, execution_options=_UNSCOPED):
        notifications.tell(
            session,
            user,
            kind=KIND,
            title=translate(user.locale, TITLE, kind=job.kind),
            body=job.last_error,
            key=f"job:{job.id}:{ended}:{user.id}",
            link=links.path(about),
            about=about,
        )
