"""The net is there: with each of its five strands an invariant holds, and without it that invariant breaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from sqlalchemy import event, text

from crm.db import Database
from crm.jobs import lease as leases
from crm.models import Job
from crm.models.job import JobStatus
from crm.settings import Settings
from crm.workers.run import Run
from tests.conftest import BACKENDS
from tests.workers import invariants
from tests.workers.post_office import PostOffice

Sabotage = Callable[[Database, pytest.MonkeyPatch], None]


def unique_key(database: Database, _patch: pytest.MonkeyPatch) -> None:
    """Its index goes, and the statement no longer names it."""

    @event.listens_for(database.engine(), "before_cursor_execute", retval=True)
    def _plain(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> tuple[str, Any]:
        return statement.replace(" ON CONFLICT (dedupe_key) DO NOTHING", ""), parameters

    with database.engine().begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("ALTER TABLE job DROP CONSTRAINT uq_job_dedupe_key"))
            return
    _without_the_key(database)


def _without_the_key(database: Database) -> None:
    """SQLite takes no constraint away: the table is copied to one that has none."""
    with database.engine().begin() as connection:
        made = connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'job'"))
        assert made is not None
        bare = re.sub(r",\s*CONSTRAINT uq_job_dedupe_key UNIQUE \(dedupe_key\)", "", made)
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        connection.execute(text("DROP TABLE job"))
        connection.exec_driver_sql(bare)


def conditional_claim(_database: Database, patch: pytest.MonkeyPatch) -> None:
    """A job is taken whatever its status."""
    patch.setattr(leases, "_claiming", leases._claiming.__wrapped__)
    patch.setattr(leases, "_free", lambda job_id: [Job.id == job_id])


def lease_check(_database: Database, patch: pytest.MonkeyPatch) -> None:
    """Who ends a job is not asked for the token."""
    patch.setattr(leases, "_finishing", leases._finishing.__wrapped__)
    patch.setattr(leases, "_held", lambda job_id, _token: [Job.id == job_id])


def fence(_database: Database, patch: pytest.MonkeyPatch) -> None:
    """Nobody asks whether the worker was replaced before it hands the mail over."""
    patch.setattr(Run, "fence", lambda _run, _session: None)


def begin_immediate(database: Database, _patch: pytest.MonkeyPatch) -> None:
    """Transactions begin as SQLite begins them by itself."""

    @event.listens_for(database.engine(), "before_cursor_execute", retval=True)
    def _deferred(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> tuple[str, Any]:
        return ("BEGIN" if statement == "BEGIN IMMEDIATE" else statement), parameters


STRANDS = [
    (unique_key, invariants.one_wish_is_one_job),
    (conditional_claim, invariants.one_job_has_one_worker),
    (lease_check, invariants.a_replaced_worker_keeps_nothing),
    (fence, invariants.a_replaced_worker_sends_nothing),
    (begin_immediate, invariants.no_change_is_lost),
]


@pytest.mark.parametrize(
    ("backend", "strand", "holds"),
    [
        pytest.param(backend, strand, holds, id=f"{backend}-{strand.__name__}")
        for backend in BACKENDS
        for strand, holds in STRANDS
        if backend == "sqlite" or strand is not begin_immediate  # PostgreSQL locks rows
    ],
    indirect=["backend"],
)
@pytest.mark.parametrize("taken_away", [False, True], ids=["there", "taken away"])
def test_the_net_holds_and_without_a_strand_it_does_not(
    database: Database,
    mailing: Settings,
    office: PostOffice,
    monkeypatch: pytest.MonkeyPatch,
    strand: Sabotage,
    holds: Callable[[Database, Settings, PostOffice], None],
    taken_away: bool,
) -> None:
    if taken_away:
        strand(database, monkeypatch)
    with pytest.raises(AssertionError) if taken_away else nullcontext():
        holds(database, mailing, office)


def test_after_all_that_the_second_worker_has_done_it(
    database: Database, mailing: Settings, office: PostOffice
) -> None:
    invariants.a_replaced_worker_keeps_nothing(database, mailing, office)
    assert invariants.statuses(database) == [JobStatus.SUCCEEDED]
