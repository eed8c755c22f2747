"""The job table's statements: dispatch, claim, end; long, as they are one machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.jobs import dispatch, enqueue, presence, purge
from crm.jobs import lease as leases
from crm.jobs.lease import Lease, LeaseLost
from crm.jobs.sweep import sweep
from crm.models import EmailMessage, Job, JobEvent
from crm.models.email_message import EmailState
from crm.models.job import JobEffect, JobStatus
from crm.services import emails
from tests.workers.conftest import jobs


def ask(database: Database, count: int = 1, **options: Any) -> list[int]:
    """Numbers of new jobs."""
    with database.transaction(system("test")) as session:
        made = [enqueue(session, "test.nothing", key=f"test:{number}", **options) for number in range(count)]
    return [number for number in made if number is not None]


def statement(database: Database, run: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    with database.engine().begin() as connection:
        return run(connection, *arguments, **options)


def claimed(database: Database, job_id: int, **options: Any) -> Lease:
    lease = statement(database, leases.claim, job_id, worker="worker", **options)
    assert lease is not None
    return lease  # type: ignore[no-any-return]


def test_one_key_is_one_job(database: Database) -> None:
    (first,) = ask(database)
    assert ask(database) == []
    assert [job.id for job in jobs(database)] == [first]


def test_a_job_is_asked_for_only_if_the_transaction_is_kept(database: Database) -> None:
    with suppress(ZeroDivisionError), database.transaction(system("test")) as session:
        assert enqueue(session, "test.nothing", key="lost")
        raise ZeroDivisionError
    assert jobs(database) == []


def test_relays_that_run_at_once_dispatch_each_job_once(database: Database) -> None:
    wanted, start = ask(database, 80), threading.Barrier(4)

    def relay(name: str) -> list[int]:
        start.wait()
        taken: list[int] = []
        while batch := statement(database, dispatch.take_due, by=name, limit=7):
            taken += [wake_up.job_id for wake_up in batch]
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [job_id for found in pool.map(relay, "abcd") for job_id in found]
    assert sorted(taken) == wanted


def test_racers_claim_a_job_once(database: Database) -> None:
    wanted, start = ask(database, 20), threading.Barrier(4)

    def race(name: str) -> list[int]:
        start.wait()
        return [job_id for job_id in wanted if statement(database, leases.claim, job_id, worker=name)]

    with ThreadPoolExecutor(4) as pool:
        won = [job_id for found in pool.map(race, "abcd") for job_id in found]
    assert sorted(won) == wanted


def test_due_jobs_come_by_priority_and_then_by_age(database: Database) -> None:
    late, normal, urgent = (
        ask(database, run_at=now() + timedelta(hours=1))[0],
        *(_one(database, key, priority) for key, priority in (("normal", 100), ("urgent", 1))),
    )
    assert [w.job_id for w in statement(database, dispatch.take_due, by="relay")] == [urgent, normal]
    assert statement(database, dispatch.anything_due) is False
    assert statement(database, leases.claim, late, worker="early bird") is None


def _one(database: Database, key: str, priority: int) -> int:
    with database.transaction(system("test")) as session:
        number = enqueue(session, "test.nothing", key=key, priority=priority)
    assert number is not None
    return number


def test_a_lost_wake_up_is_sent_again(database: Database) -> None:
    (job_id,) = ask(database)
    assert statement(database, dispatch.take_due, by="relay")
    assert not statement(database, dispatch.take_due, by="relay")
    assert [w.job_id for w in statement(database, dispatch.take_due, by="relay", lost_after_s=-1)] == [job_id]


def test_wake_ups_that_could_not_be_sent_are_queued_again_but_not_those_already_at_work(database: Database) -> None:
    first, second = ask(database, 2)
    wake_ups = statement(database, dispatch.take_due, by="relay")
    claimed(database, first)
    statement(database, dispatch.put_back, wake_ups, by="relay", why="Redis is away")
    assert [(j.id, j.status) for j in jobs(database)] == [(first, JobStatus.RUNNING), (second, JobStatus.QUEUED)]


def test_a_full_queue_does_not_hold_up_another(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "IN_FLIGHT", 1)
    with database.transaction(system("test")) as session:
        for number, queue in enumerate(["reports", "reports", "mail"]):
            enqueue(session, "test.nothing", key=str(number), queue=queue)
    first = statement(database, dispatch.take_due, by="relay", limit=1)
    then = statement(database, dispatch.take_due, by="relay", limit=10)
    assert [w.queue for w in (*first, *then)] == ["reports", "mail"]


def test_finishing_needs_the_token(database: Database) -> None:
    (job_id,) = ask(database)
    first = claimed(database, job_id, lease_s=-1)
    assert statement(database, sweep, by="sweeper") == 1
    second = claimed(database, job_id)
    for end in (leases.finish, leases.give_back):
        with pytest.raises(LeaseLost):
            statement(database, end, first, **({"why": "stale"} if end is leases.give_back else {}))
    assert statement(database, leases.extend, first) is False
    statement(database, leases.finish, second)
    assert [job.status for job in jobs(database)] == [JobStatus.SUCCEEDED]


def test_errors_are_tried_again_later_until_the_budget_is_used_up(database: Database) -> None:
    (job_id,) = ask(database, attempts=2)
    statement(database, leases.try_later, claimed(database, job_id), error_class="Oops", why="first")
    (job,) = jobs(database)
    assert (job.status, job.attempt, job.last_error) == (JobStatus.QUEUED, 1, "first")
    assert now() + timedelta(seconds=1) < job.run_at < now() + timedelta(seconds=9)
    _make_due(database)
    statement(database, leases.try_later, claimed(database, job_id), error_class="Oops", why="second")
    (job,) = jobs(database)
    assert (job.status, job.attempt, job.last_error) == (JobStatus.DEAD, 2, "second")
    assert job.finished_at is not None


def _make_due(database: Database) -> None:
    statement(database, lambda connection: connection.execute(update(Job).values(run_at=now() - timedelta(seconds=1))))


def test_back_off_doubles_up_to_an_hour() -> None:
    for attempt in range(30):
        expected = min(3600.0, 5.0 * 2**attempt)
        assert 0.5 * expected <= leases.backoff_s(attempt) <= 1.5 * expected


def test_a_job_whose_workers_vanish_is_dead_after_the_third(database: Database) -> None:
    (job_id,) = ask(database)
    for expected in (JobStatus.QUEUED, JobStatus.QUEUED, JobStatus.DEAD):
        claimed(database, job_id, lease_s=-1)
        assert statement(database, sweep, by="sweeper") == 1
        assert [job.status for job in jobs(database)] == [expected]
        _make_due(database)
    assert [(job.crashes, job.attempt) for job in jobs(database)] == [(3, 0)]


def test_a_job_whose_workers_vanished_twice_waits_until_what_ended_them_may_be_over(database: Database) -> None:
    (job_id,) = ask(database)
    for expected_s in (0, 30):
        claimed(database, job_id, lease_s=-1)
        statement(database, sweep, by="sweeper")
        (job,) = jobs(database)
        assert abs((job.run_at - now()).total_seconds() - expected_s) < 5


def test_a_job_whose_worker_vanished_waits_behind_the_others(database: Database) -> None:
    first = _one(database, "first", 100)
    claimed(database, first, lease_s=-1)
    second = _one(database, "second", 100)
    statement(database, sweep, by="sweeper")
    assert [w.job_id for w in statement(database, dispatch.take_due, by="relay")] == [second, first]


@pytest.mark.parametrize(
    ("effect", "job_after", "mail_after"),
    [
        (JobEffect.AT_MOST_ONCE, JobStatus.UNCERTAIN, EmailState.UNCERTAIN),
        (JobEffect.AT_LEAST_ONCE, JobStatus.QUEUED, EmailState.SENDING),
    ],
)
def test_a_worker_that_vanishes_while_it_hands_a_mail_over(
    database: Database, effect: JobEffect, job_after: JobStatus, mail_after: EmailState
) -> None:
    with database.transaction(system("test")) as session:
        message = emails.queue(session, to="a@b.example", subject="S", text="T", key="k", effect=effect)
        emails.begin(session, message, header="<1@b.example>")
        job_id = message.job_id
    assert job_id is not None
    claimed(database, job_id, lease_s=-1)
    statement(database, sweep, by="sweeper")
    assert [job.status for job in jobs(database)] == [job_after]
    states = statement(database, lambda connection: connection.scalars(select(EmailMessage.state)).all())
    assert states == [mail_after]


def test_what_was_taken_for_uncertain_is_done_when_the_answer_comes_after_all(database: Database) -> None:
    (job_id,) = ask(database)
    lease = claimed(database, job_id)
    statement(database, leases.leave_uncertain, lease, why="silence")
    statement(database, leases.finish_late, lease, note="250")
    assert [job.status for job in jobs(database)] == [JobStatus.SUCCEEDED]


def test_every_step_is_in_the_diary(database: Database) -> None:
    (job_id,) = ask(database)
    statement(database, dispatch.take_due, by="relay")
    statement(database, leases.finish, claimed(database, job_id), note="well")

    def diary(connection: Connection) -> list[tuple[str, str, str]]:
        rows = connection.execute(select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id)).all()
        return [(row.to_status, row.actor, row.note) for row in rows]

    assert statement(database, diary) == [
        ("queued", "test", ""),
        ("dispatched", "relay", ""),
        ("running", "worker", ""),
        ("succeeded", "worker", "well"),
    ]


def test_signs_of_life(database: Database) -> None:
    assert not statement(database, presence.is_heard, "worker")
    for _ in range(2):
        statement(database, presence.beat, process="host:1", role="worker")
    assert statement(database, presence.is_heard, "worker")
    assert not statement(database, presence.is_heard, "scheduler")
    assert not statement(database, presence.is_heard, "worker", within_s=-1)
    statement(database, presence.leave, process="host:1")
    assert statement(database, presence.last_heard, "worker") is None


def test_what_succeeded_long_ago_is_forgotten_and_nothing_else(database: Database) -> None:
    old, dead, waiting, last = (_one(database, key, 100) for key in ("old", "dead", "waiting", "last"))
    statement(database, leases.finish, claimed(database, old))
    statement(database, leases.give_up, claimed(database, dead), error_class="E", why="no")
    statement(database, leases.finish, claimed(database, last))
    long_ago = {"finished_at": now() - timedelta(days=31)}
    statement(database, lambda connection: connection.execute(update(Job).values(long_ago)))
    assert statement(database, purge.purge) == 1
    assert [job.id for job in jobs(database)] == [dead, waiting, last], "the newest number is never given out again"
    events = statement(database, lambda connection: set(connection.scalars(select(JobEvent.job_id))))
    assert old not in events
