"""Long work: how far it is can be seen beside its transaction, and it stops between two steps when asked to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.jobs import enqueue, watch
from crm.jobs import lease as leases
from crm.jobs.sweep import sweep
from crm.models import Job, Tag
from crm.models.job import JobStatus
from crm.settings import Settings
from crm.workers import registry, run
from crm.workers.execution import execute
from crm.workers.heartbeat import Heartbeat
from crm.workers.registry import KINDS, job
from crm.workers.run import Run, run_of
from tests.workers.conftest import jobs

seen: list[Any] = []
halfway, go_on = threading.Event(), threading.Event()


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "KINDS", dict(KINDS))
    seen.clear()
    halfway.clear()
    go_on.clear()

    @job("test.steps", own_steps=True)
    def steps(run: Run) -> None:
        """Three tags, each in a transaction of its own; it waits in the middle."""
        for number in range(3):
            run.progress(number, 3, "Making tags")
            with run.transaction() as session:
                session.add(Tag(name=str(number)))
            if number == 1:
                halfway.set()
                assert go_on.wait(30)

    @job("test.whole")
    def whole(session: Session) -> None:
        """One transaction, as most jobs have."""
        session.add(Tag(name="whole"))
        session.flush()
        run_of(session).progress(1, 2, "Half of it")
        halfway.set()
        assert go_on.wait(30)
        run_of(session).progress(2, 2)

    yield
    go_on.set()


def asked(database: Database, kind: str) -> int:
    with database.transaction(system("test")) as session:
        number = enqueue(session, kind, key=kind)
    assert number is not None
    return number


@pytest.fixture
def at_work(database: Database, settings: Settings) -> Iterator[Any]:
    """`at_work(kind)` starts a job in a thread and returns in the middle of it; then its heartbeat."""
    threads: list[threading.Thread] = []

    def begin(kind: str) -> Heartbeat:
        number, heartbeat = asked(database, kind), Heartbeat(database, "worker")
        options = {"worker": "test"}
        thread = threading.Thread(target=execute, args=(database, settings, heartbeat, number), kwargs=options)
        thread.start()
        threads.append(thread)
        assert halfway.wait(30)
        return heartbeat

    def end() -> None:
        go_on.set()
        for thread in threads:
            thread.join(30)

    begin.end = end  # type: ignore[attr-defined]
    yield begin
    end()


def tags(database: Database) -> list[str]:
    with database.read_only(system("test")) as session:
        return list(session.scalars(select(Tag.name).order_by(Tag.id)))


def ask_to_stop(database: Database) -> None:
    with database.engine().begin() as connection:
        connection.execute(update(Job).values(cancel_asked_at=now()))


def test_how_far_it_is_can_be_read_while_it_works(
    database: Database, at_work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PROGRESS_S", 0.0)
    at_work("test.steps")
    (job,) = jobs(database)
    assert (job.status, job.progress_done, job.progress_total) == (JobStatus.RUNNING, 1, 3)
    assert job.progress_note == "Making tags"
    at_work.end()
    assert [job.status for job in jobs(database)] == [JobStatus.SUCCEEDED]


def test_it_is_written_at_most_once_a_second(database: Database, at_work: Any) -> None:
    at_work("test.steps")
    assert [job.progress_done for job in jobs(database)] == [0]


def test_progress_inside_the_works_transaction_never_waits_for_it(
    database: Database, at_work: Any, backend: str
) -> None:
    """On SQLite the job itself is the one writer, so nothing is shown; it must not wait for itself."""
    at_work("test.whole")
    (job,) = jobs(database)
    assert job.progress_done == (None if backend == "sqlite" else 1)
    at_work.end()
    assert [job.status for job in jobs(database)] == [JobStatus.SUCCEEDED]


def test_progress_after_the_fence_never_waits_for_it(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    @job("test.fenced", own_steps=True)
    def fenced(run: Run) -> None:
        with run.transaction() as session:
            run.fence(session)
            run.progress(1, 1, "Behind the fence")

    execute(database, settings, Heartbeat(database, "worker"), asked(database, "test.fenced"), worker="test")
    assert [job.status for job in jobs(database)] == [JobStatus.SUCCEEDED]


def test_a_job_that_is_asked_to_stop_does_so_at_its_next_step(database: Database, at_work: Any) -> None:
    heartbeat = at_work("test.steps")
    ask_to_stop(database)
    heartbeat.beat()
    at_work.end()
    (job,) = jobs(database)
    assert (job.status, job.attempt) == (JobStatus.CANCELLED, 0)
    assert job.finished_at is not None
    assert tags(database) == ["0", "1"], "what was committed stays, the third step is not begun"


def test_the_progress_call_itself_asks_whether_to_stop(
    database: Database, at_work: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PROGRESS_S", 0.0)
    at_work("test.steps")
    ask_to_stop(database)
    at_work.end()
    assert [job.status for job in jobs(database)] == [JobStatus.CANCELLED]


def test_a_stopping_worker_gives_long_work_back_at_once(database: Database, at_work: Any) -> None:
    heartbeat = at_work("test.steps")
    heartbeat.ask_to_stop()
    at_work.end()
    (job,) = jobs(database)
    assert (job.status, job.attempt, job.crashes) == (JobStatus.QUEUED, 0, 0)


def test_a_job_that_was_given_to_another_worker_stops_and_writes_nothing_more(database: Database, at_work: Any) -> None:
    heartbeat = at_work("test.steps")
    with database.engine().begin() as connection:
        connection.execute(update(Job).values(lease_token="another"))
    heartbeat.beat()
    at_work.end()
    (job,) = jobs(database)
    assert (job.status, job.lease_token) == (JobStatus.RUNNING, "another")
    assert tags(database) == ["0", "1"]


@pytest.mark.parametrize("way", ["crash", "error", "give back"])
def test_what_was_asked_to_stop_is_not_begun_again(database: Database, way: str) -> None:
    number = asked(database, "test.steps")
    with database.engine().begin() as connection:
        lease = leases.claim(connection, number, worker="test", lease_s=-1)
    assert lease is not None
    ask_to_stop(database)
    with database.engine().begin() as connection:
        if way == "crash":
            sweep(connection, by="sweeper")
        elif way == "error":
            leases.try_later(connection, lease, error_class="E", why="oops")
        else:
            leases.give_back(connection, lease, why="stopped")
    (job,) = jobs(database)
    assert job.status is JobStatus.CANCELLED
    assert job.finished_at is not None


def test_a_new_run_begins_at_nothing(database: Database) -> None:
    number = asked(database, "test.steps")
    with database.engine().begin() as connection:
        lease = leases.claim(connection, number, worker="test")
        assert lease is not None
        watch.write_progress(connection, lease, 7, 9, "far")
        leases.give_back(connection, lease, why="stopped")
        assert leases.claim(connection, number, worker="test")
    assert [(job.progress_done, job.progress_note) for job in jobs(database)] == [(None, "")]
