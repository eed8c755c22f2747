"""What became of the deals: what the database says, held against what the mail server was given."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select, update

from crm.actor import system
from crm.db import Database
from crm.models import EmailMessage, Job, JobEvent, Opportunity, Schedule
from crm.models.email_message import EmailState
from crm.models.job import JobStatus
from crm.models.schedule import CatchUp
from tests.torture.mail_server import MailServer
from tests.torture.roles import address_of

AT_WORK = (JobStatus.QUEUED, JobStatus.DISPATCHED, JobStatus.RUNNING)
EVERY_SECOND: dict[str, Any] = {
    "name": "Every second",
    "kind": "report.mail",
    "payload": {"report": "open_pipeline", "recipients": []},
    "interval_s": 1,
    "catch_up": CatchUp.EACH,
}
#: a human sees that nobody knows, or that the server said no
SHOWN = {EmailState.UNCERTAIN, EmailState.REFUSED}


@dataclass(slots=True)
class Verdict:
    """`lost`, `doubled` and `hidden` are to be empty; `uncertain` are shown to a human."""

    deals: int
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    uncertain: int = 0
    uncertain_arrived: int = 0
    refused: int = 0
    crashes: int = 0
    #: seconds for which the schedule fired, and those that it left out
    fires: int = 0
    missed: list[int] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.hidden or self.missed)


class Pending(NamedTuple):
    """What is still to be done."""

    deals: int
    jobs: int


def pending(database: Database) -> Pending:
    """Deals that are still open and jobs that are still to be done."""
    with database.read_only(system("verdict")) as session:
        open_ones = select(func.count()).select_from(Opportunity).where(Opportunity.closed_at.is_(None))
        waiting = select(func.count()).select_from(Job).where(Job.status.in_(AT_WORK))
        return Pending(session.scalar(open_ones) or 0, session.scalar(waiting) or 0)


def judge(database: Database, server: MailServer) -> Verdict:
    """Once nothing is pending."""
    with database.read_only(system("verdict")) as session:
        deals = session.scalars(select(Opportunity.id)).all()
        states = dict(session.execute(select(EmailMessage.to_address, EmailMessage.state)).tuples().all())
        jobs = Counter(session.scalars(select(Job.kind)))
        ends = session.execute(select(Job.kind, Job.status, Job.dedupe_key)).all()
        crashes = session.scalar(select(func.sum(Job.crashes))) or 0
    found = Verdict(len(deals), crashes=crashes)
    if jobs["deal.won"] != len(deals) or len(states) != jobs["email.send"]:
        found.lost.append(f"{len(deals)} deals, {jobs['deal.won']} jobs, {len(states)} mails")
    for number in deals:
        _judge(found, address_of(number), states.get(address_of(number)), server)
    found.hidden += [f"{kind} {key}: {status}" for kind, status, key in ends if status in _HIDDEN.get(kind, ())]
    seconds = sorted(int(key.partition("@")[2]) for kind, _, key in ends if kind == EVERY_SECOND["kind"])
    found.fires = len(seconds)
    found.missed = sorted(set(range(seconds[0], seconds[-1])) - set(seconds)) if seconds else [0]
    return found


def stop_the_clock(database: Database) -> None:
    """The schedule fires no more: what it asked for comes to an end."""
    with database.engine().begin() as connection:
        connection.execute(update(Schedule).where(Schedule.enabled).values(enabled=False))


def last_to_end(database: Database, since: datetime, count: int = 3) -> list[str]:
    """What happened to the jobs that ended last, in seconds after `since`: where the time to drain goes."""
    with database.read_only(system("verdict")) as session:
        ended = select(Job).where(Job.finished_at > since).order_by(Job.finished_at.desc()).limit(count)
        told = []
        for job in session.scalars(ended):
            diary = select(JobEvent).where(JobEvent.job_id == job.id).order_by(JobEvent.id)
            steps = [
                f"{(event.created_at - since).total_seconds():+.1f} {event.to_status} {event.note}".strip()
                for event in session.scalars(diary)
            ]
            told.append(f"{job.kind} {job.id}: {', '.join(steps)}")
    return told


#: ends that nobody has asked for; a refused mail is a dead job
_HIDDEN = {
    "report.mail": set(JobStatus) - {JobStatus.SUCCEEDED},
    "deal.won": set(JobStatus) - {JobStatus.SUCCEEDED},
    "email.send": {JobStatus.CANCELLED, JobStatus.HELD},
}


def _judge(found: Verdict, address: str, state: EmailState | None, server: MailServer) -> None:
    count = server.taken[address]
    found.uncertain += state is EmailState.UNCERTAIN
    found.uncertain_arrived += state is EmailState.UNCERTAIN and count > 0
    found.refused += state is EmailState.REFUSED
    if count > 1:
        found.doubled.append(f"{address}: {count} times")
    if count == 0 and state not in SHOWN:
        found.lost.append(f"{address}: {state}")
    if state is EmailState.SENT and count != 1:
        found.hidden.append(f"{address}: sent, but {count} times")
    if state is EmailState.REFUSED and address not in server.refused:
        found.hidden.append(f"{address}: refused, though the server did not")
