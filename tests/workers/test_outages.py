"""Processes die or freeze, servers go away: nothing lost or doubled; long, as each test is a whole story."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import select, update

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.jobs import enqueue
from crm.migrations.run import upgrade
from crm.models import Job, JobEvent, Tag
from crm.models.job import JobStatus
from crm.services import emails
from crm.settings import Settings
from crm.workers.relay import Relay
from tests.freezing import freeze
from tests.torture import crashing, nursery
from tests.torture.crashing import Crashing
from tests.torture.nursery import Nursery
from tests.torture.roles import Pace
from tests.waiting import until
from tests.workers.conftest import jobs, until_ended
from tests.workers.post_office import PostOffice

#: wake-ups are sent again soon; no lease runs out and no mail is tried twice, however busy the machine is
PATIENT = Pace(lease_s=60.0, heartbeat_s=1.0, sweep_s=0.2, lost_after_s=0.7, smtp_timeout_s=30.0)
#: where a worker is lost
QUICK = replace(PATIENT, lease_s=1.5, heartbeat_s=0.4)


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery.opened(tmp_path_factory.mktemp("nursery") / "processes.log") as opened:
        yield opened


@pytest.fixture
def processes(parent: Nursery, mailing: Settings) -> Iterator[Nursery]:
    """`processes.start("worker 1", "relay 1")` starts them with the test's settings, and the pace of PATIENT."""
    parent.use(mailing.model_copy(update={"log_level": "warning"}), PATIENT)
    yield parent
    parent.kill_all()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[Crashing, str]]:
    """A Valkey of the test's own."""
    with crashing.valkey(tmp_path / "broker") as opened:
        yield opened


def ask(database: Database, kind: str, *keys: str, queue: str = "default", **payload: Any) -> list[int]:
    with database.transaction(system("test")) as session:
        made = [enqueue(session, kind, key=key, queue=queue, **payload) for key in keys]
    return [number for number in made if number is not None]


def note(database: Database, *names: str) -> list[int]:
    """Each leaves one tag of its name."""
    return [number for name in names for number in ask(database, "test.note", name, name=name)]


def tags(database: Database) -> list[str]:
    with database.read_only(system("test")) as session:
        return sorted(session.scalars(select(Tag.name)))


def all_done(database: Database) -> bool:
    return all(job.status is JobStatus.SUCCEEDED for job in jobs(database))


# ---------------------------------------------------------------------------------------------- workers


def test_a_frozen_worker_that_was_replaced_cannot_commit_its_result(
    database: Database, processes: Nursery, mailing: Settings, tmp_path: Path
) -> None:
    processes.use(mailing, QUICK)
    (number,) = ask(database, "test.gate", "gate", folder=str(tmp_path))
    processes.start("worker 1", "relay 1")
    until(lambda: list(tmp_path.glob("came-*")))
    frozen = processes.pids["worker 1"]
    freeze(database, frozen)
    processes.start("worker 2")
    assert until_ended(database, number).status is JobStatus.SUCCEEDED
    (tmp_path / "open").touch()
    processes.signal("worker 1", signal.SIGCONT)
    (after,) = note(database, "after")  # the one that was frozen works on, and may do this
    until_ended(database, after)
    with database.engine().connect() as connection:
        ends = connection.scalars(select(JobEvent.to_status).where(JobEvent.job_id == number)).all()
    assert ends.count("succeeded") == 1
    assert f"{tmp_path.name} by {frozen}" not in tags(database)
    assert len(tags(database)) == 2


def test_what_a_killed_worker_was_doing_is_done_by_another_soon(
    database: Database, processes: Nursery, mailing: Settings, tmp_path: Path
) -> None:
    processes.use(mailing, QUICK)
    (number,) = ask(database, "test.gate", "gate", folder=str(tmp_path))
    processes.start("worker 1", "worker 2", "relay 1")
    until(lambda: list(tmp_path.glob("came-*")))
    (came,) = tmp_path.glob("came-*")
    (name,) = (name for name, pid in processes.pids.items() if came.name == f"came-{pid}")
    processes.signal(name, signal.SIGKILL)
    job = until_ended(database, number)
    assert (job.status, job.attempt) == (JobStatus.SUCCEEDED, 0)
    assert job.crashes > 0  # a machine that gives a worker no turn for 3 s takes it for dead, too


def test_poison_is_dead_after_three_workers_and_stops_nobody(
    database: Database, processes: Nursery, mailing: Settings
) -> None:
    processes.use(mailing, replace(QUICK, lease_s=1.0, heartbeat_s=0.3))
    (poison,) = ask(database, "test.poison", "poison")
    names = [f"n{number}" for number in range(20)]
    note(database, *names)
    processes.start("worker 1", "relay 1")

    def supervised() -> bool:
        if processes.is_gone("worker 1"):
            processes.start("worker 1")
        with database.engine().begin() as connection:  # half a minute goes by
            connection.execute(update(Job).where(Job.id == poison, Job.run_at > now()).values(run_at=now()))
        return jobs(database, id=poison)[0].status is JobStatus.DEAD

    until(supervised)
    if processes.is_gone("worker 1"):
        processes.start("worker 1")
    (dead,) = jobs(database, id=poison)
    assert (dead.crashes, dead.last_error) == (3, "the worker vanished")
    until(lambda: tags(database) == sorted(names))


def test_a_rolling_restart_loses_and_repeats_nothing(
    database: Database, processes: Nursery, office: PostOffice
) -> None:
    processes.start("worker 1", "worker 2", "relay 1", "relay 2")
    sent: list[str] = []
    for name in ("worker 1", "relay 1", "worker 2", "relay 2"):
        with database.transaction(system("test")) as session:
            for number in range(8):
                sent.append(f"mail {number} before the end of {name}")
                emails.queue(session, to="a@b.example", subject=sent[-1], text="T", key=sent[-1])
        processes.signal(name, signal.SIGTERM)
        until(partial(processes.is_gone, name))
        processes.start(name)
    until(lambda: all_done(database))
    assert sorted(mail["Subject"] for mail in office.taken) == sorted(sent)
    assert {(job.crashes, job.attempt) for job in jobs(database)} == {(0, 0)}


def test_a_worker_that_is_told_to_stop_gives_long_work_back_at_once(
    database: Database, processes: Nursery, tmp_path: Path
) -> None:
    (number,) = ask(database, "test.long", "long", folder=str(tmp_path))
    processes.start("worker 1", "relay 1")
    until(lambda: list(tmp_path.glob("came-*")))
    processes.signal("relay 1", signal.SIGKILL)
    processes.signal("worker 1", signal.SIGTERM)
    until(lambda: processes.is_gone("worker 1"))
    (job,) = jobs(database, id=number)
    assert (job.status, job.attempt, job.crashes) == (JobStatus.QUEUED, 0, 0)
    (tmp_path / "open").touch()
    processes.start("worker 2", "relay 1")
    assert until_ended(database, number).status is JobStatus.SUCCEEDED


def test_slow_reports_and_a_mail_server_that_hangs_delay_no_reminder(
    database: Database, processes: Nursery, office: PostOffice, tmp_path: Path
) -> None:
    ask(database, "test.slow", *(f"report {number}" for number in range(6)), queue="reports", folder=str(tmp_path))
    ask(database, "test.slow", *(f"mail {number}" for number in range(6)), queue="mail", folder=str(tmp_path))
    processes.start("worker 1", "relay 1")
    until(lambda: len(list(tmp_path.glob("came-*"))) == 4)  # every thread of both queues is busy
    waits = []
    for name in ("one", "two", "three"):
        (number,) = note(database, name)
        job = until_ended(database, number)
        assert job.started_at is not None
        waits.append((job.started_at - job.created_at).total_seconds())
    assert min(waits) < 1
    assert len(list(tmp_path.glob("came-*"))) == 4, "the slow ones are still at it"


# ---------------------------------------------------------------------------------------------- servers


@pytest.mark.parametrize("trouble", ["wiped", "frozen", "stopped"])
def test_without_redis_work_is_late_and_goes_on_by_itself(
    database: Database, processes: Nursery, mailing: Settings, broker: tuple[Crashing, str], trouble: str
) -> None:
    server, url = broker
    processes.use(mailing.model_copy(update={"redis_url": url, "log_level": "error"}), PATIENT)
    processes.start("worker 1", "relay 1")
    until_ended(database, note(database, "before")[0])
    {"wiped": server.crash, "frozen": lambda: server.signal(signal.SIGSTOP), "stopped": server.stop}[trouble]()
    began = time.monotonic()
    during = note(database, "during 1", "during 2")  # whoever asks does not notice
    assert time.monotonic() - began < 1
    if trouble == "frozen":
        server.signal(signal.SIGCONT)
    elif trouble == "stopped":
        server.start()
    for number in during:
        assert until_ended(database, number).status is JobStatus.SUCCEEDED
    assert tags(database) == ["before", "during 1", "during 2"]


def test_a_relay_that_cannot_reach_redis_leaves_no_trace_of_its_tries(database: Database) -> None:
    """An outage of an hour must not fill the diary."""
    (number,) = note(database, "one")
    relay = Relay(database, "redis://127.0.0.1:1/0", name="relay")
    for _ in range(5):
        with pytest.raises(redis.ConnectionError):
            relay.step()
    with database.engine().connect() as connection:
        events = connection.scalars(select(JobEvent.to_status).where(JobEvent.job_id == number)).all()
    assert events == ["queued", "dispatched", "queued"]


def test_after_a_stop_of_the_database_work_goes_on_without_a_restart(
    run_dir: Path, parent: Nursery, settings_without_database: Settings
) -> None:
    folder = run_dir / f"outage-{os.getpid()}"
    folder.mkdir()
    with ExitStack() as stack:
        server, url = stack.enter_context(crashing.postgresql(folder / "postgresql"))
        database = Database(url)
        stack.callback(database.dispose)
        stack.callback(parent.kill_all)
        upgrade(database)
        parent.use(settings_without_database.model_copy(update={"database_url": url, "log_level": "error"}), PATIENT)
        parent.start("worker 1", "relay 1")
        until_ended(database, note(database, "before")[0])
        (waiting,) = note(database, "during")
        server.stop()
        server.start()
        database.dispose()
        (after,) = note(database, "after")
        for number in (waiting, after):
            assert until_ended(database, number).status is JobStatus.SUCCEEDED
        assert tags(database) == ["after", "before", "during"]


@pytest.fixture
def settings_without_database(redis_url: str, tmp_path: Path) -> Settings:
    secret = "a secret of 32 bytes for tests only"
    return Settings(_env_file=None, env="test", data_dir=tmp_path / "data", redis_url=redis_url, jwt_secret=secret)


def test_mail_waits_for_a_mail_server_that_is_away(
    database: Database, processes: Nursery, mailing: Settings, office: PostOffice
) -> None:
    away = mailing.model_copy(update={"smtp_port": 1, "log_level": "error"})
    processes.use(away, PATIENT)
    with database.transaction(system("test")) as session:
        number = emails.queue(session, to="a@b.example", subject="Late", text="T", key="late").job_id
    processes.start("worker 1", "relay 1")
    until(lambda: jobs(database, id=number)[0].attempt == 1)
    (job,) = jobs(database, id=number)
    assert (job.status, job.error_class) == (JobStatus.QUEUED, "Away")
    processes.kill_all()
    processes.use(mailing, PATIENT)
    with database.engine().begin() as connection:
        connection.execute(update(Job).values(run_at=now()))
    processes.start("worker 1", "relay 1")
    assert until_ended(database, number).status is JobStatus.SUCCEEDED
    assert [mail["Subject"] for mail in office.taken] == ["Late"]


def test_many_relays_and_workers_at_once_do_each_job_once(database: Database, processes: Nursery) -> None:
    names = [f"n{number:02}" for number in range(40)]
    processes.start("worker 1", "worker 2", "relay 1", "relay 2", "relay 3")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda part: note(database, *names[part::4]), range(4)))
    until(lambda: len(jobs(database)) == 40 and all_done(database))
    assert tags(database) == names
