"""What must hold whatever happens, each as a check that fails where its net has been taken away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from crm.actor import system
from crm.db import Database
from crm.jobs import enqueue
from crm.jobs import lease as leases
from crm.jobs.lease import Lease
from crm.jobs.sweep import sweep
from crm.models import Job, Tag
from crm.models.job import JobStatus
from crm.services import emails
from crm.settings import Settings
from crm.workers.delivery import deliver
from crm.workers.heartbeat import Hold
from crm.workers.run import Run
from tests.workers.post_office import PostOffice

RACERS = 4


def one_wish_is_one_job(database: Database, _settings: Settings, _office: PostOffice) -> None:
    """The unique key: many who want the same at once get one job."""
    start = threading.Barrier(RACERS)

    def ask(_number: int) -> None:
        start.wait()
        with suppress(DBAPIError), database.transaction(system("test")) as session:
            enqueue(session, "test.nothing", key="deal-won:42")

    _all_at_once(ask)
    assert _count(database, "job") == 1, "one wish became many jobs"


def one_job_has_one_worker(database: Database, _settings: Settings, _office: PostOffice) -> None:
    """The conditional claim: of many wake-ups for a job one finds it free."""
    (number,), start = _asked(database), threading.Barrier(RACERS)
    won: list[Lease] = []

    def claim(_number: int) -> None:
        start.wait()
        with database.engine().begin() as connection:
            lease = leases.claim(connection, number, worker="racer")
        if lease:
            won.append(lease)

    _all_at_once(claim)
    assert len(won) == 1, f"{len(won)} workers have the same job"


def a_replaced_worker_keeps_nothing(database: Database, _settings: Settings, _office: PostOffice) -> None:
    """The lease check: a worker that was frozen and taken for dead wakes up and wants to commit."""
    first, second = _replaced(database)
    for lease in (second, first):
        with suppress(leases.LeaseLost), database.transaction(system("test")) as session:
            session.add(Tag(name=lease.token))
            session.flush()
            leases.finish(session.connection(), lease)
    assert _count(database, "tag") == 1, "the work of both was kept"


def a_replaced_worker_sends_nothing(database: Database, settings: Settings, office: PostOffice) -> None:
    """The fence: the same, just before the body of a mail is handed over."""
    with database.transaction(system("test")) as session:
        message = emails.queue(session, to="bo@example.com", subject="S", text="T", key="k")
        message_id, job_id = message.id, message.job_id
    assert job_id is not None
    first, _ = _replaced(database, job_id)
    with suppress(leases.LeaseLost):
        deliver(Run(database, settings, Hold(first), system("test")), message_id)
    assert not office.taken, "a worker that was replaced sent the mail"


def no_change_is_lost(database: Database, _settings: Settings, _office: PostOffice) -> None:
    """BEGIN IMMEDIATE: who reads a value and writes the next one is never overtaken, nor refused."""
    (number,), start, rounds = _asked(database), threading.Barrier(RACERS), 25
    troubles: list[Exception] = []

    def count_up(_number: int) -> None:
        start.wait()
        for _ in range(rounds):
            try:
                with database.engine().begin() as connection:
                    before = connection.scalar(select(Job.dispatches).where(Job.id == number).with_for_update())
                    values = {"value": (before or 0) + 1, "id": number}
                    connection.execute(text("UPDATE job SET dispatches = :value WHERE id = :id"), values)
            except DBAPIError as error:
                troubles.append(error)

    _all_at_once(count_up)
    with database.engine().connect() as connection:
        counted = connection.scalar(select(Job.dispatches))
    assert (counted, troubles[:1]) == (RACERS * rounds, [])


def _asked(database: Database) -> list[int]:
    with database.transaction(system("test")) as session:
        number = enqueue(session, "test.nothing", key="one")
    assert number is not None
    return [number]


def _replaced(database: Database, job_id: int | None = None) -> tuple[Lease, Lease]:
    """The leases of a worker that was taken for dead and of the one that has its job now."""
    number = job_id or _asked(database)[0]
    with database.engine().begin() as connection:
        first = leases.claim(connection, number, worker="frozen", lease_s=-1)
        sweep(connection, by="sweeper")
        second = leases.claim(connection, number, worker="next")
    assert first is not None
    assert second is not None
    return first, second


def _all_at_once(action: Callable[[int], Any]) -> None:
    with ThreadPoolExecutor(RACERS) as pool:
        list(pool.map(action, range(RACERS)))


def _count(database: Database, table: str) -> int:
    with database.engine().connect() as connection:
        return int(connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


def statuses(database: Database) -> list[JobStatus]:
    with database.engine().connect() as connection:
        return list(connection.scalars(select(Job.status).order_by(Job.id)))
