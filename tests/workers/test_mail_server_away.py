"""A mail server that is away or silent: few try, the queue waits as a whole, and goes on as soon as it is back."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.mail import smtp
from crm.models import EmailMessage, Job, JobEvent, Notification
from crm.models.email_message import EmailState
from crm.models.job import JobStatus
from crm.services import job_alerts, job_console
from crm.settings import Settings
from crm.workers import circuits
from crm.workers.delivery import GAP_S, PATIENCE
from crm.workers.execution import execute
from crm.workers.heartbeat import Heartbeat
from tests import factories
from tests.workers.conftest import jobs
from tests.workers.post_office import PostOffice
from tests.workers.test_delivery import queued


class Clock:
    """The time the circuits know."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(circuits, "monotonic", made)
    monkeypatch.setattr(smtp, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(smtp, "ANSWER_TIMEOUT_S", 0.2)
    monkeypatch.setattr(smtp, "GOODBYE_TIMEOUT_S", 0.2)
    return made


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made


def calls(server: socket.socket) -> int:
    """How many have called since the last look."""
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def mails(database: Database, count: int) -> list[int]:
    return [queued(database, key=f"mail {number}", subject=f"mail {number}") for number in range(count)]


def run(database: Database, settings: Settings, *numbers: int) -> list[Job]:
    """Wake each of them, due or not; what became of them."""
    with database.engine().begin() as connection:
        connection.execute(update(Job).where(Job.id.in_(numbers)).values(run_at=now()))
    for number in numbers:
        execute(database, settings, Heartbeat(database, "worker"), number, worker="test")
    return [jobs(database, id=number)[0] for number in numbers]


def at(settings: Settings, server: socket.socket) -> Settings:
    return settings.model_copy(update={"smtp_port": server.getsockname()[1]})


def seconds_until(job: Job) -> float:
    return (job.run_at - now()).total_seconds()


def test_after_three_silences_nobody_tries_and_all_wait(
    database: Database, mailing: Settings, clock: Clock, silent: socket.socket
) -> None:
    numbers, settings = mails(database, 6), at(mailing, silent)
    tried = run(database, settings, *numbers[:3])
    assert calls(silent) == 3
    assert [(job.status, job.attempt) for job in tried] == [(JobStatus.QUEUED, 1)] * 2 + [(JobStatus.QUEUED, 0)]
    untouched = [jobs(database, id=number)[0] for number in numbers[3:]]
    pause_s = circuits.PAUSES_S[0]
    assert all(pause_s - 2 < seconds_until(job) <= pause_s + GAP_S for job in untouched), "the queue was put off"
    assert seconds_until(tried[2]) < min(map(seconds_until, untouched)), "who found out tries first"
    (early,) = run(database, settings, numbers[3])
    assert (calls(silent), early.status, early.attempt, early.error_class) == (0, JobStatus.QUEUED, 0, "Away")


def test_one_at_a_time_finds_out_whether_it_is_back_and_then_all_go(
    database: Database, mailing: Settings, office: PostOffice, clock: Clock
) -> None:
    numbers, settings = mails(database, 6), mailing
    office.at_connect.extend(["421 too busy"] * 4)
    run(database, settings, *numbers[:3])
    clock.moment += circuits.PAUSES_S[0]
    (probe,) = run(database, settings, numbers[2])
    assert (probe.attempt, office.at_connect) == (0, []), "it tried, and that spent no attempt"
    clock.moment += circuits.PAUSES_S[1]
    (probe,) = run(database, settings, numbers[2])
    assert probe.status is JobStatus.SUCCEEDED
    others = [jobs(database, id=number)[0] for number in (*numbers[3:], *numbers[:2])]
    assert max(map(seconds_until, others)) <= 0, "what waited is due at once"
    assert {job.status for job in run(database, settings, *(job.id for job in others))} == {JobStatus.SUCCEEDED}
    assert len({mail["Message-ID"] for mail in office.taken}) == len(office.taken) == 6


def test_while_one_tries_the_others_wait(clock: Clock) -> None:
    circuit = circuits.Circuit()
    assert [circuit.failed() for _ in range(4)] == [0, 0, *circuits.PAUSES_S[:2]]
    clock.moment += circuits.PAUSES_S[1]
    assert circuit.wait_s() == 0
    assert circuit.wait_s() == circuits.TRIAL_S
    assert circuit.worked()
    assert (circuit.wait_s(), circuit.worked()) == (0, False)


def test_silence_after_the_body_leaves_few_mails_uncertain(
    database: Database, mailing: Settings, office: PostOffice, clock: Clock
) -> None:
    numbers = mails(database, 5)
    office.at_data.extend(["waits"] * 5)
    ended = run(database, mailing, *numbers)
    assert [job.status for job in ended] == [JobStatus.UNCERTAIN] * 3 + [JobStatus.QUEUED] * 2
    assert len(office.taken) == 3


def test_an_outage_is_waited_for_and_after_days_it_counts(database: Database, mailing: Settings, clock: Clock) -> None:
    (number,), settings = mails(database, 1), mailing.model_copy(update={"smtp_port": 1})
    for _ in range(30):  # more than a mail has attempts
        clock.moment += circuits.PAUSES_S[-1]
        run(database, settings, number)
    (job,) = jobs(database, id=number)
    assert (job.status, job.attempt) == (JobStatus.QUEUED, 2)
    with database.engine().begin() as connection:
        connection.execute(update(EmailMessage).values(created_at=now() - PATIENCE - timedelta(hours=1)))
    for _ in range(18):
        clock.moment += circuits.PAUSES_S[-1]
        run(database, settings, number)
    assert jobs(database, id=number)[0].status is JobStatus.DEAD
    with database.read_only(system("test")) as session:
        assert [mail.state for mail in session.query(EmailMessage)] == [EmailState.REFUSED]


def test_what_waits_for_the_server_is_late_and_administrators_hear_of_it(
    database: Database, mailing: Settings, clock: Clock, silent: socket.socket
) -> None:
    numbers, settings = mails(database, 5), at(mailing, silent)
    run(database, settings, *numbers[:3])
    with database.engine().begin() as connection:
        connection.execute(update(Job).values(created_at=now() - timedelta(minutes=11)))
    with database.transaction(system("test")) as session:
        factories.user(session, admin=True)
        found = job_console.figures(session)
        assert (found.late, job_console.count_trouble(session, session.actor)) == (5, 5)
        assert 660 <= (found.oldest_due_age_s or 0) < 720
        assert [(q.waiting, q.late) for q in found.queues if q.name == "mail"] == [(5, 5)]
        assert all("mail server" in job.last_error for job in job_console.troubled(session))
        assert job_alerts.tell_of_late(session) == 1
        (told,) = session.query(Notification)
        assert (told.title, told.body) == (
            "Mail waits: the mail server does not take it",
            "The oldest has been due for 11 minutes.",
        )


def test_an_outage_does_not_fill_the_diary(
    database: Database, mailing: Settings, clock: Clock, silent: socket.socket
) -> None:
    numbers = mails(database, 20)
    run(database, at(mailing, silent), *numbers[:3])
    with database.read_only(system("test")) as session:
        told = {event.job_id for event in session.query(JobEvent).filter(JobEvent.from_status != "")}
    assert told == set(numbers[:3]), "of what waits as a whole nothing is told"
