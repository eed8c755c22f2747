"""A worker with production's times in the middle of its work: told to stop, and killed; and the end of a supervisor."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select, update

from crm.actor import system
from crm.jobs import enqueue
from crm.models import Job, JobEvent
from crm.models.job import JobStatus
from tests.outages.installation import Installation
from tests.test_dev import Started
from tests.torture import nursery
from tests.torture.nursery import Nursery
from tests.torture.roles import Pace
from tests.waiting import until

PRODUCTION = Pace(lease_s=60.0, heartbeat_s=20.0, sweep_s=5.0, lost_after_s=30.0, crash_pause_s=30.0)
JOBS = 3
#: a supervisor waits so long before it kills
GRACE_S = 25.0
CRASH_LIMIT_S = 75.0
ORPHAN_LIMIT_S = 30.0


def stop(installation: Installation) -> tuple[str, list[str]]:
    """Told to stop: work that tells its progress ends at its next step, other work is given back in time."""
    took, faults = {}, list[str]()
    for kind in ("test.long", "test.slow"):
        with _at_work(installation, kind) as (processes, numbers):
            began = time.monotonic()
            processes.signal("relay 1", signal.SIGKILL)  # nobody wakes another worker meanwhile
            processes.signal("worker 1", signal.SIGTERM)
            until(lambda: processes.is_gone("worker 1"))
            took[kind] = time.monotonic() - began
            given_back = [_job(installation, number) for number in numbers]
            faults += [
                f"job {job.id}: {job.status}, {job.attempt} attempts" for job in given_back if not _is_fresh(job)
            ]
            _cancel(installation)
    told = f"gone {took['test.long']:.1f} s after SIGTERM with a long job that tells, {took['test.slow']:.1f} s without"
    return told, faults + (["longer than the grace of the supervisor"] if max(took.values()) > GRACE_S else [])


def crash(installation: Installation) -> tuple[str, list[str]]:
    """Killed in the middle: another worker begins the same work once the leases have run out."""
    with _at_work(installation, "test.slow") as (processes, numbers):
        began = time.monotonic()
        processes.signal("worker 1", signal.SIGKILL)
        (installation.folder / "test.slow" / "open").touch()
        processes.start("worker 2")
        until(lambda: all(_job(installation, number).status is JobStatus.SUCCEEDED for number in numbers))
        ends = [_ends(installation, number) for number in numbers]
    took_s = time.monotonic() - began
    told = f"{JOBS} jobs of a killed worker began again; all done {took_s:.0f} s after the kill, each once"
    faults = [f"job {number} ended {count} times" for number, count in zip(numbers, ends, strict=True) if count != 1]
    return told, faults + ([f"{took_s:.0f} s are more than {CRASH_LIMIT_S}"] if took_s > CRASH_LIMIT_S else [])


def orphans(installation: Installation) -> tuple[str, list[str]]:
    """`crm dev` is killed with -9: its children end by themselves, and it starts again in the same folder."""
    folder = installation.folder / "dev"
    folder.mkdir()
    first = Started(folder)
    first.wait_for("Ctrl-C stops it.")
    children = first.children()
    began = time.monotonic()
    first.process.kill()
    first.process.wait()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children.values()))
    gone_s = time.monotonic() - began
    again = Started(folder)
    again.wait_for("Ctrl-C stops it.")
    ready_s = time.monotonic() - began - gone_s
    again.process.terminate()
    status = again.process.wait(60)
    told = f"all {len(children)} children gone {gone_s:.1f} s after the kill, started again in {ready_s:.1f} s"
    return told, ([f"exit status {status}"] if status else []) + (["orphans"] if gone_s > ORPHAN_LIMIT_S else [])


@contextmanager
def _at_work(installation: Installation, kind: str) -> Iterator[tuple[Nursery, Sequence[int]]]:
    """A worker of its own that is in the middle of jobs of this kind, and their numbers."""
    for name in list(installation.processes):
        installation.stop(name)
    folder = installation.folder / kind
    folder.mkdir(exist_ok=True)
    with nursery.opened(installation.folder / "processes.log") as processes:
        processes.use(installation.settings, PRODUCTION)
        with installation.database.transaction(system("outages")) as session:
            keys = [f"{kind} {time.time_ns()} {number}" for number in range(JOBS)]
            numbers = [enqueue(session, kind, key=key, folder=str(folder)) for key in keys]
        processes.start("worker 1", "relay 1")
        until(lambda: all(_job(installation, number).status is JobStatus.RUNNING for number in numbers))
        until(lambda: list(folder.glob("came-*")))
        yield processes, [number for number in numbers if number is not None]
        processes.kill_all()


def _job(installation: Installation, number: int | None) -> Job:
    with installation.database.read_only(system("outages")) as session:
        job = session.get_one(Job, number)
        session.expunge(job)
        return job


def _ends(installation: Installation, number: int) -> int:
    """How often the job ended well."""
    with installation.database.engine().connect() as connection:
        ends = connection.scalars(select(JobEvent.to_status).where(JobEvent.job_id == number)).all()
    return ends.count("succeeded")


def _cancel(installation: Installation) -> None:
    with installation.database.engine().begin() as connection:
        waiting = update(Job).where(Job.status.in_([JobStatus.QUEUED, JobStatus.DISPATCHED]))
        connection.execute(waiting.values(status=JobStatus.CANCELLED))


def _is_fresh(job: Job) -> bool:
    return (job.status, job.attempt, job.crashes) == (JobStatus.QUEUED, 0, 0)
