"""Any order of wishes, wake-ups, claims, ends, crashes and wishes to stop, against a small model of one job."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import delete, func, select, update

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.jobs import dispatch, enqueue
from crm.jobs import lease as leases
from crm.jobs.lease import Lease, LeaseLost
from crm.jobs.sweep import sweep
from crm.models import Job, JobEvent, Tag
from crm.models.job import JobStatus

ATTEMPTS, CRASHES = 3, 3
KEYS = st.sampled_from(["a", "b", "c"])
ENDED = {JobStatus.SUCCEEDED, JobStatus.DEAD, JobStatus.CANCELLED}
OF_CHANCE = st.randoms(use_true_random=False)


@dataclass(slots=True)
class Expected:
    """What the row must say; `holder` is the token that may write."""

    status: JobStatus = JobStatus.QUEUED
    attempt: int = 0
    crashes: int = 0
    holder: str = ""
    effects: int = 0
    asked_to_stop: bool = False
    leases: list[Lease] = field(default_factory=list)

    def again(self, *, used_up: bool = False) -> None:
        waits = JobStatus.DEAD if used_up else JobStatus.QUEUED
        self.status, self.holder = (JobStatus.CANCELLED if self.asked_to_stop else waits), ""


class Jobs(RuleBasedStateMachine):
    database: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, Expected] = {}
        self.numbers = itertools.count()
        with self.database.engine().begin() as connection:
            for model in (JobEvent, Job, Tag):
                connection.execute(delete(model))

    @rule(key=KEYS, kept=st.booleans())
    def ask(self, key: str, kept: bool) -> None:
        with suppress(ZeroDivisionError), self.database.transaction(system("test")) as session:
            made = enqueue(session, "test.nothing", key=key, attempts=ATTEMPTS)
            assert (made is None) == (key in self.jobs)
            if not kept:
                raise ZeroDivisionError
        if kept:
            self.jobs.setdefault(key, Expected())

    @rule()
    def relay(self) -> None:
        """Wake-ups are then lost, doubled or late, as the other rules come in any order."""
        with self.database.engine().begin() as connection:
            dispatch.take_due(connection, by="relay", lost_after_s=-1)
        for job in self.jobs.values():
            if job.status is JobStatus.QUEUED:
                job.status = JobStatus.DISPATCHED

    @rule(key=KEYS)
    def claim(self, key: str) -> None:
        if key not in self.jobs:
            return
        job, number = self.jobs[key], self._number(key)
        with self.database.engine().begin() as connection:
            lease = leases.claim(connection, number, worker="worker")
        assert (lease is not None) == (job.status in (JobStatus.QUEUED, JobStatus.DISPATCHED))
        if lease is not None:
            job.status, job.holder = JobStatus.RUNNING, lease.token
            job.leases.append(lease)

    @precondition(lambda self: any(job.leases for job in self.jobs.values()))
    @rule(key=KEYS, random=OF_CHANCE, end=st.sampled_from(["finish", "try_later", "give_up", "give_back", "cancel"]))
    def end(self, key: str, random: object, end: str) -> None:
        """By whoever has held the job at some time: only the one that holds it now may write."""
        job = self.jobs.get(key)
        if job is None or not job.leases:
            return
        lease = random.choice(job.leases)  # type: ignore[attr-defined]
        allowed = lease.token == job.holder
        options = {} if end == "finish" else {"why": "so"}
        options |= {"error_class": "E"} if end in ("try_later", "give_up") else {}
        try:
            with self.database.transaction(system("test")) as session:
                if end == "finish":
                    session.add(Tag(name=f"{key} {next(self.numbers)}"))
                    session.flush()
                getattr(leases, end)(session.connection(), lease, **options)
            assert allowed, "a stale token wrote"
            self._ended(job, lease, end)
        except LeaseLost:
            assert not allowed

    def _ended(self, job: Expected, lease: Lease, end: str) -> None:
        if end == "finish":
            job.status, job.holder, job.effects = JobStatus.SUCCEEDED, "", job.effects + 1
        elif end == "cancel":
            job.status, job.holder = JobStatus.CANCELLED, ""
        elif end == "give_back":
            job.again()
        else:
            job.attempt += 1
            job.again()
            if end == "give_up" or lease.last:
                job.status = JobStatus.DEAD

    @rule(key=KEYS)
    def vanish(self, key: str) -> None:
        """The worker is frozen or killed until its lease has run out."""
        with self.database.engine().begin() as connection:
            past = {"lease_until": now() - timedelta(seconds=1)}
            connection.execute(update(Job).where(Job.dedupe_key == key, Job.lease_until.is_not(None)).values(past))
            sweep(connection, by="sweeper")
        job = self.jobs.get(key)
        if job is not None and job.status is JobStatus.RUNNING:
            job.crashes += 1
            job.again(used_up=job.crashes >= CRASHES)

    @rule(key=KEYS)
    def ask_to_stop(self, key: str) -> None:
        job = self.jobs.get(key)
        if job is not None and job.status is JobStatus.RUNNING:
            job.asked_to_stop = True
            with self.database.engine().begin() as connection:
                connection.execute(update(Job).where(Job.dedupe_key == key).values(cancel_asked_at=now()))

    @rule()
    def time_passes(self) -> None:
        with self.database.engine().begin() as connection:
            connection.execute(update(Job).values(run_at=now() - timedelta(seconds=1)))

    @invariant()
    def the_table_says_what_the_model_says(self) -> None:
        with self.database.engine().begin() as connection:
            connection.execute(update(Job).values(run_at=now() - timedelta(seconds=1)))  # back-off is not modelled
            rows = {row.dedupe_key: row for row in connection.execute(select(Job.__table__))}
            tags = connection.scalar(select(func.count()).select_from(Tag)) or 0
        assert set(rows) == set(self.jobs)
        assert tags == sum(job.effects for job in self.jobs.values())
        for key, job in self.jobs.items():
            row = rows[key]
            assert (row.status, row.attempt, row.crashes) == (job.status, job.attempt, job.crashes)
            assert (row.lease_token or "") == job.holder
            assert (row.finished_at is not None) == (job.status in ENDED)
            assert (row.lease_until is not None) == (job.status is JobStatus.RUNNING), "nothing would ever wake it"
            assert job.effects <= 1
            assert row.attempt <= ATTEMPTS
            assert row.crashes <= CRASHES

    def _number(self, key: str) -> int:
        with self.database.engine().connect() as connection:
            return connection.scalars(select(Job.id).where(Job.dedupe_key == key)).one()


def test_no_order_of_events_breaks_the_job_machine(database: Database) -> None:
    machine = type("JobsOnThis", (Jobs,), {"database": database})
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    wanted = settings(max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=slow)
    run_state_machine_as_test(machine, settings=wanted)
