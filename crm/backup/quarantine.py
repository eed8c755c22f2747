"""What happens to a restored copy before anybody sees it: mail is held, and nothing seems to be running."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, case, delete, exists, func, insert, select, update

from crm.columns import now
from crm.jobs.events import JobState, record
from crm.jobs.holding import hold_waiting
from crm.models.email_message import EmailMessage, EmailState
from crm.models.job import Job, JobEffect, JobStatus
from crm.models.process_heartbeat import ProcessHeartbeat
from crm.models.restoration import Restoration

BY = "restore"
_WHY = "it was running when the backup was made"
_HELD = "a restored copy"


def hold(connection: Connection, *, archive: str, made_at: datetime) -> int:
    """Settle what ran, hold what would leave the house, and remember that this is a copy; how many jobs are held."""
    connection.execute(delete(ProcessHeartbeat))
    _settle(connection)
    hold_waiting(connection, by=BY, why=_HELD)
    held = connection.scalar(select(func.count(Job.id)).where(Job.status == JobStatus.HELD)) or 0
    row = {"archive": archive[:200], "made_at": made_at, "held": held, "created_at": now()}
    connection.execute(insert(Restoration).values(row))
    return held


def _settle(connection: Connection) -> None:
    """A mail that was being handed over is uncertain here: only the original may know. Other work begins anew."""
    in_flight = exists().where(EmailMessage.job_id == Job.id, EmailMessage.state == EmailState.SENDING)
    unclear = and_(Job.effect == JobEffect.AT_MOST_ONCE, in_flight)
    status = case((unclear, JobStatus.UNCERTAIN.value), else_=JobStatus.QUEUED.value)
    values = {"status": status, "lease_token": None, "lease_until": None, "last_error": _WHY}
    running = (
        update(Job).where(Job.status == JobStatus.RUNNING).values(values).returning(Job.id, Job.status, Job.attempt)
    )
    rows = connection.execute(running).all()
    record(connection, (JobState(r.id, JobStatus.RUNNING, JobStatus(r.status), r.attempt, _WHY) for r in rows), by=BY)
    ended = exists().where(Job.id == EmailMessage.job_id, Job.status == JobStatus.UNCERTAIN)
    connection.execute(
        update(EmailMessage)
        .where(EmailMessage.state == EmailState.SENDING, ended)
        .values(state=EmailState.UNCERTAIN, version=EmailMessage.version + 1)
    )
