"""A job that never ends is interrupted; one that may take long is not."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from crm.actor import system
from crm.db import Database
from crm.jobs import enqueue
from crm.models.job import JobStatus
from crm.settings import Settings
from crm.workers import registry
from crm.workers.registry import KINDS, TIME_LIMITS_S, job
from tests.workers.conftest import until_ended


def test_work_of_reports_may_take_longer_than_any_other(
    database: Database, mailing: Settings, running: Callable[[Settings], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "KINDS", dict(KINDS))
    monkeypatch.setattr("crm.workers.broker.TIME_LIMITS_S", {"default": 0.5, **TIME_LIMITS_S})
    interrupted = threading.Event()

    @job("test.endless", attempts=1)
    def endless(_session: Session) -> None:
        while not interrupted.wait(0.05):
            pass

    @job("test.patient", queue="reports", attempts=1)
    def long(_session: Session) -> None:
        assert interrupted.wait(60)

    with database.transaction(system("test")) as session:
        ends = enqueue(session, "test.endless", key="endless", attempts=1)
        lasts = enqueue(session, "test.patient", key="long", queue="reports", attempts=1)
    running(mailing)
    dead = until_ended(database, ends)
    interrupted.set()
    assert (dead.status, dead.last_error) == (JobStatus.DEAD, "It took longer than a job may take")
    assert until_ended(database, lasts).status is JobStatus.SUCCEEDED
