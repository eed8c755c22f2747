"""How a job ends: its handler's rows and its own are kept together or not at all, and errors are told in the row."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.actor import Scope, system
from crm.db import Database, actor_of
from crm.errors import NotFound, Unavailable
from crm.jobs import enqueue
from crm.jobs import lease as leases
from crm.models import Job, Tag
from crm.models.job import JobStatus
from crm.settings import Settings
from crm.workers import registry
from crm.workers.execution import execute
from crm.workers.heartbeat import Heartbeat
from crm.workers.registry import KINDS, Permanent, job
from tests import factories
from tests.workers.conftest import jobs

seen: list[Any] = []


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kinds of this file's own, for the length of a test."""
    monkeypatch.setattr(registry, "KINDS", dict(KINDS))
    seen.clear()

    @job("tag.make")
    def make(session: Session, *, name: str, trouble: str = "") -> None:
        seen.append(actor_of(session).name)
        session.add(Tag(name=name))
        session.flush()
        if trouble:
            raise {"final": Permanent, "missing": NotFound, "later": Unavailable}[trouble]("It is %(how)s", how=trouble)


def run(database: Database, settings: Settings, kind: str, *, principal: int | None = None, **payload: Any) -> Job:
    """The job after one attempt."""
    with database.transaction(system("test")) as session:
        job_id = enqueue(session, kind, key=kind, principal_id=principal, **payload)
    assert job_id is not None
    execute(database, settings, Heartbeat(database, "worker"), job_id, worker="test")
    return jobs(database, id=job_id)[0]


def tags(database: Database) -> list[str]:
    with database.read_only(system("test")) as session:
        return list(session.scalars(select(Tag.name)))


def test_a_job_that_succeeds_keeps_what_it_made(database: Database, settings: Settings) -> None:
    assert run(database, settings, "tag.make", name="A").status is JobStatus.SUCCEEDED
    assert tags(database) == ["A"]


@pytest.mark.parametrize(
    ("trouble", "status"),
    [("final", JobStatus.DEAD), ("missing", JobStatus.DEAD), ("later", JobStatus.QUEUED)],
)
def test_a_job_that_fails_keeps_nothing_and_says_why(
    database: Database, settings: Settings, trouble: str, status: JobStatus
) -> None:
    ended = run(database, settings, "tag.make", name="A", trouble=trouble)
    assert (ended.status, ended.attempt, ended.last_error) == (status, 1, f"It is {trouble}")
    assert tags(database) == []


def test_a_job_that_lost_its_lease_keeps_nothing(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_finishing", leases._finishing.__wrapped__)
    monkeypatch.setattr(leases, "_held", lambda job_id, _token: [Job.id == job_id, Job.lease_token == "another"])
    assert run(database, settings, "tag.make", name="A").status is JobStatus.RUNNING
    assert tags(database) == []


def test_an_unknown_kind_is_dead_and_says_so(database: Database, settings: Settings) -> None:
    ended = run(database, settings, "tag.unmake")
    assert (ended.status, ended.last_error) == (JobStatus.DEAD, "There is no job of the kind 'tag.unmake'")


@pytest.mark.parametrize("payload", [{}, {"name": 7}, {"name": "A", "colour": "red"}])
def test_wrong_arguments_are_dead_and_named(database: Database, settings: Settings, payload: dict[str, Any]) -> None:
    ended = run(database, settings, "tag.make", **payload)
    assert ended.status is JobStatus.DEAD
    assert ended.last_error.startswith("Wrong arguments for 'tag.make': ")


def test_an_error_of_the_database_is_told_without_its_statement(database: Database, settings: Settings) -> None:
    run(database, settings, "tag.make", name="A")
    with database.transaction(system("test")) as session:
        job_id = enqueue(session, "tag.make", key="again", name="A")
    assert job_id is not None
    execute(database, settings, Heartbeat(database, "worker"), job_id, worker="test")
    (ended,) = jobs(database, id=job_id)
    assert ended.status is JobStatus.QUEUED
    assert "INSERT" not in ended.last_error


def test_a_job_has_the_rights_its_principal_has_when_it_runs(database: Database, settings: Settings) -> None:
    with database.transaction(system("test")) as session:
        user = factories.user(session, {"view_tags": Scope.ALL})
        principal, name = user.id, user.name
    assert run(database, settings, "tag.make", principal=principal, name="A").status is JobStatus.SUCCEEDED
    assert seen == [name]


def test_a_job_of_somebody_who_may_no_longer_sign_in_is_dead(database: Database, settings: Settings) -> None:
    with database.transaction(system("test")) as session:
        user = factories.user(session)
        user.status, principal = False, user.id
    ended = run(database, settings, "tag.make", principal=principal, name="A")
    assert (ended.status, ended.last_error) == (JobStatus.DEAD, "Who asked for this may no longer sign in")
    assert seen == []


def test_a_worker_that_stops_gives_its_jobs_back(database: Database) -> None:
    with database.transaction(system("test")) as session:
        job_id = enqueue(session, "tag.make", key="k", name="A")
    assert job_id is not None
    with database.engine().begin() as connection:
        lease = leases.claim(connection, job_id, worker="test")
    assert lease is not None
    heartbeat = Heartbeat(database, "worker")
    with heartbeat.holding(lease):
        heartbeat.stop()
    (given_back,) = jobs(database)
    assert (given_back.status, given_back.attempt, given_back.crashes) == (JobStatus.QUEUED, 0, 0)


def test_the_heartbeat_keeps_the_lease_of_a_running_job(database: Database) -> None:
    with database.transaction(system("test")) as session:
        job_id = enqueue(session, "tag.make", key="k", name="A")
    assert job_id is not None
    with database.engine().begin() as connection:
        lease = leases.claim(connection, job_id, worker="test", lease_s=-1)
    assert lease is not None
    heartbeat = Heartbeat(database, "worker", lease_s=60)
    with heartbeat.holding(lease):
        heartbeat.beat()
    (held,) = jobs(database)
    assert held.lease_until is not None
    assert held.started_at is not None
    assert held.lease_until > held.started_at
