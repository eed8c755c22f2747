"""The worker's statements: claim a job, end it; every one of them counts rows to know who won."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, or_, update
from sqlalchemy.sql.dml import ReturningUpdate

from crm.errors import Conflict
from crm.jobs.events import change, clock, clock_values, instant
from crm.models.job import Job, JobEffect, JobStatus

LEASE_S = 60.0
HEARTBEAT_S = 20.0
BACKOFF_S = 5.0
LONGEST_BACKOFF_S = 3600.0
#: the `error_class` of what waits for a server to come back: it has been due all the while
AWAY = "Away"


class LeaseLost(Conflict):
    """Another worker was given the job: whatever this one did must not be kept."""

    def __init__(self) -> None:
        super().__init__("The job was given to another worker")


@dataclass(frozen=True, slots=True)
class Lease:
    """One run of one job; `token` is the fence: without it nothing of the job can be written."""

    job_id: int
    token: str
    worker: str
    kind: str
    payload: Mapping[str, Any]
    effect: JobEffect
    principal_id: int | None
    request_id: str
    dedupe_key: str
    attempt: int
    max_attempts: int

    @property
    def last(self) -> bool:
        """Is this the attempt after which an error is final?"""
        return self.attempt + 1 >= self.max_attempts


def claim(connection: Connection, job_id: int, *, worker: str, lease_s: float = LEASE_S) -> Lease | None:
    """Take the job, or None: done, taken, put off or unknown. So any number of wake-ups for one job is harmless."""
    token = uuid.uuid4().hex
    values = {"job": job_id, "token": token, "holder": worker, **clock_values(lease_s)}
    statement = _claiming(connection.dialect.name)
    rows = change(connection, statement, before=JobStatus.DISPATCHED, by=worker, values=values)
    if not rows:
        return None
    known = dict(rows[0]._mapping)
    del known["id"], known["status"]
    return Lease(job_id=job_id, token=token, worker=worker, **known)


@cache
def _claiming(dialect: str) -> ReturningUpdate[*tuple[Any, ...]]:
    moment, later = clock(dialect)
    return (
        update(Job)
        .where(*_free(bindparam("job")), Job.run_at <= moment)
        .values(
            status=JobStatus.RUNNING,
            lease_token=bindparam("token"),
            lease_until=later,
            worker=bindparam("holder"),
            started_at=moment,
            progress_done=None,
            progress_total=None,
            progress_note="",
        )
        .returning(
            *(Job.id, Job.status, Job.kind, Job.payload, Job.effect, Job.principal_id, Job.request_id),
            *(Job.dedupe_key, Job.attempt, Job.max_attempts),
        )
    )


def extend(connection: Connection, lease: Lease, *, lease_s: float = LEASE_S) -> bool:
    """The worker lives; False: it was replaced.  Within a transaction this is the fence of what follows."""
    values = {"lease_until": instant(connection, plus_s=lease_s)}
    return connection.execute(update(Job).where(*mine(lease)).values(values)).rowcount == 1


def finish(connection: Connection, lease: Lease, *, note: str = "") -> None:
    """Done, in the transaction of the work's own rows; LeaseLost (then nothing may be kept) without the token."""
    values = {"job": lease.job_id, "token": lease.token, **clock_values(0)}
    statement = _finishing(connection.dialect.name)
    if not change(connection, statement, before=JobStatus.RUNNING, by=lease.worker, note=note, values=values):
        raise LeaseLost


@cache
def _finishing(dialect: str) -> ReturningUpdate[*tuple[Any, ...]]:
    moment, _ = clock(dialect)
    ended = {"status": JobStatus.SUCCEEDED, "lease_token": None, "lease_until": None, "finished_at": moment}
    held = _held(bindparam("job"), bindparam("token"))
    return update(Job).where(*held).values(ended).returning(Job.id, Job.status, Job.attempt)


def finish_late(connection: Connection, lease: Lease, *, note: str) -> None:
    """The effect is known to have happened: also what was taken for uncertain meanwhile is done after all."""
    unclear = (Job.id == lease.job_id) & (Job.status == JobStatus.UNCERTAIN)
    _end(connection, lease, [or_(unclear, and_(*mine(lease)))], JobStatus.SUCCEEDED, note)


def leave_uncertain(connection: Connection, lease: Lease, *, why: str) -> None:
    """Nobody can tell whether the effect happened: a human decides."""
    _end(connection, lease, mine(lease), JobStatus.UNCERTAIN, why, error_class="Uncertain", last_error=why[:2000])


def give_up(connection: Connection, lease: Lease, *, error_class: str, why: str) -> None:
    """No further attempt makes sense, or none is left."""
    error = {"error_class": error_class[:120], "last_error": why[:2000]}
    _end(connection, lease, mine(lease), JobStatus.DEAD, why, attempt=lease.attempt + 1, **error)


def cancel(connection: Connection, lease: Lease, *, why: str) -> None:
    """It was asked to stop, and did."""
    _end(connection, lease, mine(lease), JobStatus.CANCELLED, why)


def try_later(connection: Connection, lease: Lease, *, error_class: str, why: str) -> None:
    """Queue it again, later with each attempt; dead after the last, cancelled if it was asked to stop meanwhile."""
    if lease.last:
        give_up(connection, lease, error_class=error_class, why=why)
        return
    values = {
        "attempt": lease.attempt + 1,
        "run_at": instant(connection, plus_s=backoff_s(lease.attempt)),
        "error_class": error_class[:120],
        "last_error": why[:2000],
    }
    _queue_again(connection, lease, why, values)


def give_back(connection: Connection, lease: Lease, *, why: str) -> None:
    """The worker stops before it is done: another one may begin at once, and no attempt is counted."""
    _queue_again(connection, lease, why, {"run_at": instant(connection)})


def put_off(connection: Connection, lease: Lease, *, seconds: float, why: str) -> None:
    """It was not tried, or not the job's fault: no attempt is counted."""
    values = {"run_at": instant(connection, plus_s=seconds), "error_class": AWAY, "last_error": why[:2000]}
    _queue_again(connection, lease, why, values)


def backoff_s(attempt: int) -> float:
    """5 s, 10 s, 20 s … at most an hour, each between half and one and a half of it."""
    return float(min(LONGEST_BACKOFF_S, BACKOFF_S * 2.0 ** min(attempt, 20)) * random.uniform(0.5, 1.5))


def _free(job_id: Any) -> list[ColumnElement[bool]]:
    """Whether nobody has the job: of any number of workers that are woken for it, one finds this."""
    return [Job.id == job_id, Job.status.in_([JobStatus.QUEUED, JobStatus.DISPATCHED])]


def mine(lease: Lease) -> list[ColumnElement[bool]]:
    """Whether this run still holds the job: the net under every statement of a worker."""
    return _held(lease.job_id, lease.token)


def _held(job_id: Any, token: Any) -> list[ColumnElement[bool]]:
    return [Job.id == job_id, Job.lease_token == token, Job.status == JobStatus.RUNNING]


def _queue_again(connection: Connection, lease: Lease, why: str, values: dict[str, Any]) -> None:
    asked = Job.cancel_asked_at.is_not(None)
    status = case((asked, JobStatus.CANCELLED.value), else_=JobStatus.QUEUED.value)
    finished = case((asked, instant(connection)), else_=None)
    _leave(connection, lease, mine(lease), status, why, {"finished_at": finished, **values})


def _end(
    connection: Connection,
    lease: Lease,
    where: list[ColumnElement[bool]],
    status: JobStatus,
    note: str,
    **values: Any,
) -> None:
    _leave(connection, lease, where, status, note, {"finished_at": instant(connection), **values})


def _leave(
    connection: Connection,
    lease: Lease,
    where: list[ColumnElement[bool]],
    status: Any,
    note: str,
    values: dict[str, Any],
) -> None:
    free = {"status": status, "lease_token": None, "lease_until": None}
    statement = update(Job).where(*where).values({**free, **values}).returning(Job.id, Job.status, Job.attempt)
    if not change(connection, statement, before=JobStatus.RUNNING, by=lease.worker, note=note):
        raise LeaseLost
