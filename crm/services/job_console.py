"""What the job console shows: how late the oldest job is, what each queue does, who works, and what needs a human."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, case, cast, extract, func, not_, or_, select
from sqlalchemy.orm import Session

from crm.access import visible
from crm.actor import Actor
from crm.columns import now
from crm.jobs import QUEUES
from crm.jobs.lease import AWAY
from crm.jobs.presence import HEARD_WITHIN_S
from crm.models.job import Job, JobStatus
from crm.models.job_event import JobEvent
from crm.models.process_heartbeat import ProcessHeartbeat

#: a job that has been due for longer than this is late
LATE_AFTER_S = 60.0
#: minutes of the throughput's chart
MINUTES = 60
#: counts stop here: a thousand jobs in trouble are as many as more
MOST_COUNTED = 1000
WAITING = (JobStatus.QUEUED, JobStatus.DISPATCHED)
TROUBLE = (JobStatus.DEAD, JobStatus.UNCERTAIN)
_PUT_OFF = and_(Job.status == JobStatus.QUEUED, Job.error_class == AWAY)


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """One queue at this moment; `late` ones are among the `waiting`, which are those that are due."""

    name: str
    waiting: int
    running: int
    late: int


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """A process that gave a sign of life; `age_s` seconds ago."""

    name: str
    role: str
    age_s: float

    @property
    def is_heard(self) -> bool:
        return self.age_s <= HEARD_WITHIN_S


@dataclass(frozen=True, slots=True)
class Figures:
    """`finished` are the jobs that ended in each of the last 60 minutes, oldest first, the present one last."""

    at: datetime
    oldest_due_age_s: float | None
    dead: int
    uncertain: int
    late: int
    held: int
    finished: tuple[int, ...]
    queues: tuple[QueueFigures, ...]
    processes: tuple[ProcessFigures, ...]

    @property
    def trouble(self) -> int:
        return self.dead + self.uncertain + self.late


def figures(session: Session) -> Figures:
    """All figures of what the actor may see; processes are the same for everyone."""
    moment = now()
    return Figures(
        at=moment,
        oldest_due_age_s=_oldest_due(session, moment),
        dead=_count(session, Job.status == JobStatus.DEAD),
        uncertain=_count(session, Job.status == JobStatus.UNCERTAIN),
        late=_count(session, is_late(moment)),
        held=_count(session, Job.status == JobStatus.HELD),
        finished=_finished(session, moment),
        queues=_queues(session, moment),
        processes=_processes(session, moment),
    )


def is_late(moment: datetime) -> ColumnElement[bool]:
    """Due for more than a minute, and no worker has taken it, or it waits for a server that is away."""
    return due_since(moment - timedelta(seconds=LATE_AFTER_S))


def due_since(moment: datetime) -> ColumnElement[bool]:
    """Waiting, and due at `moment` already."""
    return and_(Job.status.in_(WAITING), due_at() <= moment)


def due_at() -> ColumnElement[datetime]:
    """Since when a waiting job is due: what is put off because a server is away, since it was asked for."""
    return case((_PUT_OFF, Job.created_at), else_=Job.run_at)


def has_waited_too_long(job: Job) -> bool:
    """`is_late` of one job."""
    since = job.created_at if is_put_off(job) else job.run_at
    return job.status in WAITING and since < now() - timedelta(seconds=LATE_AFTER_S)


def is_put_off(job: Job) -> bool:
    """Whether it waits for a server that is away."""
    return job.status is JobStatus.QUEUED and job.error_class == AWAY


def in_trouble(moment: datetime) -> ColumnElement[bool]:
    """Dead, uncertain or late: what somebody must look at."""
    return or_(Job.status.in_(TROUBLE), is_late(moment))


def count_trouble(session: Session, reader: Actor) -> int:
    """How many jobs are dead, uncertain or late, of those `reader` may see; at most a hundred."""
    wanted = select(Job.id).where(in_trouble(now()), visible(Job, reader)).limit(100).subquery()
    return session.scalar(select(func.count()).select_from(wanted), execution_options={"unscoped": True}) or 0


def troubled(session: Session, *, limit: int = 50) -> Sequence[Job]:
    """Uncertain ones first, then dead, then late ones, each with the newest (the latest) first."""
    moment = now()
    rank = case((Job.status == JobStatus.UNCERTAIN, 0), (Job.status == JobStatus.DEAD, 1), else_=2)
    wanted = select(Job).where(in_trouble(moment)).order_by(rank, Job.id.desc()).limit(limit)
    return session.scalars(wanted).all()


def at_work(session: Session, *, limit: int = 50) -> Sequence[Job]:
    """What runs just now, longest first."""
    wanted = select(Job).where(Job.status == JobStatus.RUNNING).order_by(Job.started_at, Job.id).limit(limit)
    return session.scalars(wanted).all()


def events_of(session: Session, numbers: Sequence[int]) -> dict[int, list[JobEvent]]:
    """job → its steps, oldest first; of those the actor may see."""
    wanted = select(JobEvent).where(JobEvent.job_id.in_(numbers)).order_by(JobEvent.id)
    found: dict[int, list[JobEvent]] = {number: [] for number in numbers}
    for event in session.scalars(wanted):
        found[event.job_id].append(event)
    return found


# ---------------------------------------------------------------------------------------------- each figure


def _count(session: Session, condition: ColumnElement[bool]) -> int:
    wanted = select(Job.id).where(condition).limit(MOST_COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(wanted)) or 0


def _oldest_due(session: Session, moment: datetime) -> float | None:
    """Seconds since the oldest waiting job became due; None: nothing waits."""
    due = due_since(moment)
    since = session.scalar(select(func.min(Job.run_at)).where(due, not_(_PUT_OFF)))
    put_off_since = session.scalar(select(func.min(Job.created_at)).where(due, _PUT_OFF))
    oldest = min((at for at in (since, put_off_since) if at is not None), default=None)
    return None if oldest is None else max((moment - oldest).total_seconds(), 0.0)


def _finished(session: Session, moment: datetime) -> tuple[int, ...]:
    """From the diary, whose instants are indexed; a job that was run again and ended twice counts twice."""
    last = int(moment.timestamp()) // 60
    minute = cast(extract("epoch", JobEvent.created_at), Integer) // 60
    since = datetime.fromtimestamp((last - MINUTES + 1) * 60, UTC)
    ended = (JobEvent.created_at >= since, JobEvent.to_status == JobStatus.SUCCEEDED.value)
    counts = [0] * MINUTES
    for at, count in session.execute(select(minute, func.count(JobEvent.id)).where(*ended).group_by(minute)):
        counts[min(max(int(at) - last + MINUTES - 1, 0), MINUTES - 1)] += count
    return tuple(counts)


def _queues(session: Session, moment: datetime) -> tuple[QueueFigures, ...]:
    late, due = is_late(moment), due_since(moment)
    running = Job.status == JobStatus.RUNNING
    sums: list[Any] = [func.coalesce(func.sum(case((c, 1), else_=0)), 0) for c in (due, running, late)]
    wanted = select(Job.queue, *sums).where(Job.status.in_((*WAITING, JobStatus.RUNNING))).group_by(Job.queue)
    found = {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in session.execute(wanted)}
    names = [*QUEUES, *sorted(found.keys() - set(QUEUES))]
    return tuple(QueueFigures(name, *found.get(name, (0, 0, 0))) for name in names)


def _processes(session: Session, moment: datetime) -> tuple[ProcessFigures, ...]:
    """Those heard from within the day, the freshest first."""
    wanted = select(ProcessHeartbeat).order_by(ProcessHeartbeat.role, ProcessHeartbeat.seen_at.desc())
    return tuple(
        ProcessFigures(row.process, row.role, max((moment - row.seen_at).total_seconds(), 0.0))
        for row in session.scalars(wanted)
    )
