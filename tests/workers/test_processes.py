"""`crm worker` and `crm scheduler` as processes of their own: they work, are heard from, and end in good order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from crm.actor import system
from crm.db import Database
from crm.jobs.presence import is_heard
from crm.models.job import JobStatus
from crm.services import emails
from crm.settings import Settings
from tests.freezing import freeze
from tests.waiting import until
from tests.workers.conftest import jobs, until_ended
from tests.workers.post_office import PostOffice

ROOT = Path(__file__).parents[2]
Process = subprocess.Popen[bytes]


@pytest.fixture
def start(tmp_path: Path, mailing: Settings) -> Iterator[Callable[[str], Process]]:
    """`start("worker")` starts `crm worker` with the test's settings; what still runs at the end is killed."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "ENV": "test", "JWT_SECRET": mailing.jwt_secret}
    env |= {"DATABASE_URL": mailing.database_url, "REDIS_URL": mailing.redis_url, "DATA_DIR": str(tmp_path)}
    env |= {"SMTP_HOST": mailing.smtp_host, "SMTP_PORT": str(mailing.smtp_port), "MAIL_FROM": mailing.mail_from}
    with ExitStack() as stack:

        def begin(role: str) -> Process:
            made = subprocess.Popen([sys.executable, "-m", "crm.cli", role], cwd=tmp_path, env=env)
            stack.callback(made.kill)
            return made

        yield begin


def queued(database: Database, key: str) -> int | None:
    with database.transaction(system("test")) as session:
        return emails.queue(session, to="a@b.example", subject=key, text="T", key=key).job_id


def heard(database: Database, role: str) -> bool:
    with database.engine().connect() as connection:
        return is_heard(connection, role)


def test_they_work_and_end_in_good_order(
    database: Database, office: PostOffice, start: Callable[[str], Process]
) -> None:
    worker, scheduler = start("worker"), start("scheduler")
    assert until_ended(database, queued(database, "one")).status is JobStatus.SUCCEEDED
    assert len(office.taken) == 1
    until(lambda: heard(database, "worker") and heard(database, "scheduler"))
    for process in (worker, scheduler):
        process.send_signal(signal.SIGTERM)
    assert [process.wait(30) for process in (worker, scheduler)] == [0, 0]
    assert not heard(database, "worker")


def test_what_a_killed_worker_left_is_done_by_the_next(
    database: Database, office: PostOffice, start: Callable[[str], Process]
) -> None:
    """It dies with five jobs waiting for it."""
    worker, _ = start("worker"), start("scheduler")
    until(lambda: heard(database, "worker"))
    freeze(database, worker.pid)
    numbers = [queued(database, f"mail {number}") for number in range(5)]
    until(lambda: all(job.status is JobStatus.DISPATCHED for job in jobs(database)))
    worker.kill()
    start("worker")
    assert {until_ended(database, number).status for number in numbers} == {JobStatus.SUCCEEDED}
    assert sorted(mail["Subject"] for mail in office.taken) == [f"mail {number}" for number in range(5)]
