"""The relay while Redis is away: nothing is lost, nothing waits longer than it must."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

import pytest
import redis

from crm.actor import system
from crm.db import Database
from crm.jobs import enqueue
from crm.models.job import JobStatus
from crm.settings import Settings
from crm.workers.relay import Relay
from tests.waiting import until
from tests.workers.conftest import jobs

NOBODY = "redis://127.0.0.1:1/0"


def asked(database: Database, count: int) -> None:
    with database.transaction(system("test")) as session:
        for number in range(count):
            enqueue(session, "test.nothing", key=str(number), queue="mail")


def test_what_cannot_be_sent_is_queued_again_at_once(database: Database) -> None:
    asked(database, 3)
    with pytest.raises(redis.ConnectionError):
        Relay(database, NOBODY, name="relay").step()
    assert [job.status for job in jobs(database)] == [JobStatus.QUEUED] * 3


def test_each_wake_up_holds_the_number_and_nothing_else(database: Database, settings: Settings) -> None:
    asked(database, 2)
    assert Relay(database, settings.redis_url, name="relay").step() == 2
    with redis.Redis.from_url(settings.redis_url) as client:
        sent = client.hvals("crm:mail.msgs")
    assert isinstance(sent, list)
    assert sorted(json_args(message) for message in sent) == [[job.id] for job in jobs(database)]


def json_args(message: bytes) -> list[int]:
    found = json.loads(message)
    assert found["kwargs"] == {}
    args: list[int] = found["args"]
    return args


def test_it_goes_on_by_itself_after_an_outage(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay, stop, tried = Relay(database, settings.redis_url, name="relay"), threading.Event(), threading.Event()
    monkeypatch.setattr("crm.workers.relay.LONGEST_PAUSE_S", 0.05)
    working = relay._broker
    relay._broker = Relay(database, NOBODY, name="relay")._broker
    step: Callable[[], int] = relay.step

    def watched() -> int:
        try:
            return step()
        finally:
            tried.set()

    monkeypatch.setattr(relay, "step", watched)
    asked(database, 1)
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        assert tried.wait(20)
        relay._broker = working
        until(lambda: jobs(database)[0].status is JobStatus.DISPATCHED and jobs_in(settings))
    finally:
        stop.set()
        thread.join()


def jobs_in(settings: Settings) -> int:
    with redis.Redis.from_url(settings.redis_url) as client:
        count = client.llen("crm:mail")
    assert isinstance(count, int)
    return count
