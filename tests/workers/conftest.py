"""Fixtures for the worker's tests: a mail server, and workers and schedulers as they run in production."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import system
from crm.db import Database
from crm.models import Job, User
from crm.models.job import JobStatus
from crm.settings import Settings
from crm.workers import circuits
from crm.workers.main import WorkerProcess
from crm.workers.schedule import SchedulerProcess
from tests.waiting import until
from tests.workers import post_office
from tests.workers.post_office import PostOffice


@pytest.fixture(autouse=True)
def _no_server_in_trouble() -> None:
    """Ports are used again, and a process remembers which server was away."""
    circuits.of_mail_server.cache_clear()


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office.opened() as opened:
        yield opened


@pytest.fixture
def mailing(settings: Settings, office: PostOffice) -> Settings:
    """The test's settings, with a mail server."""
    return settings.model_copy(
        update={"smtp_host": "127.0.0.1", "smtp_port": office.port, "mail_from": "CRM <crm@crm.example>"}
    )


@pytest.fixture
def running() -> Iterator[Callable[[Settings], None]]:
    """`running(settings)` starts a worker and a scheduler, which end with the test."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(_processes(settings))


@contextmanager
def _processes(settings: Settings) -> Iterator[None]:
    worker, scheduler = WorkerProcess(settings), SchedulerProcess(settings, tick_s=0.1, sweep_s=0.1)
    worker.start()
    scheduler.start()
    try:
        yield
    finally:
        scheduler.stop()
        worker.stop()


@pytest.fixture
def ann(database: Database) -> int:
    """A user who reads Chinese and may see everything; her number."""
    with database.transaction(system("test")) as session:
        user = User(username="ann", email="ann@example.com", name="Ann", locale="zh", timezone="Asia/Shanghai")
        session.add(user)
        session.flush()
        return user.id


def jobs(database: Database, **wanted: Any) -> list[Job]:
    """The jobs whose attributes are as `wanted`, oldest first."""
    with database.read_only(system("test")) as session:
        rows = list(session.scalars(select(Job).filter_by(**wanted).order_by(Job.id)))
        session.expunge_all()
    return rows


def until_ended(database: Database, job_id: int | None) -> Job:
    """The job, once it is neither waiting nor running."""
    assert job_id is not None
    at_work = (JobStatus.QUEUED, JobStatus.DISPATCHED, JobStatus.RUNNING)

    def ended() -> list[Job]:
        return [job for job in jobs(database, id=job_id) if job.status not in at_work]

    return until(ended)[0]
