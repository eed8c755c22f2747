"""What a mail server may do, one behaviour a test: nothing is lost, nothing is sent twice, what is unclear is shown."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import select

from crm.actor import system
from crm.db import Database
from crm.mail import smtp
from crm.models import EmailMessage
from crm.models.email_message import EmailState
from crm.models.job import JobStatus
from crm.settings import Settings
from tests.workers import post_office
from tests.workers.conftest import jobs
from tests.workers.post_office import PostOffice
from tests.workers.test_delivery import attempt, queued

SENT = (JobStatus.SUCCEEDED, EmailState.SENT)
LATER = (JobStatus.QUEUED, EmailState.READY)
REFUSED = (JobStatus.DEAD, EmailState.REFUSED)
UNCLEAR = (JobStatus.UNCERTAIN, EmailState.UNCERTAIN)
ENDED = (SENT, REFUSED, UNCLEAR)


@dataclass(frozen=True)
class Behaviour:
    """Where the server answers what; what is known after the first try, and after as many as it takes."""

    name: str
    place: str
    answers: tuple[str, ...]
    first: tuple[JobStatus, EmailState]
    last: tuple[JobStatus, EmailState]
    taken: int
    tries: int

    def __str__(self) -> str:
        return self.name


BEHAVIOURS = (
    Behaviour("takes it", "at_data", (), SENT, SENT, 1, 1),
    Behaviour("takes it with another 2xx", "at_data", ("250 2.0.0 queued",), SENT, SENT, 1, 1),
    Behaviour("4xx at connect", "at_connect", ("421 too busy",), LATER, SENT, 1, 2),
    Behaviour("5xx at connect", "at_connect", ("554 no service here",), LATER, SENT, 1, 2),
    Behaviour("4xx at EHLO", "at_ehlo", ("451 later",), LATER, SENT, 1, 2),
    Behaviour("4xx at MAIL", "at_mail", ("452 no room",), LATER, SENT, 1, 2),
    Behaviour("5xx at MAIL", "at_mail", ("550 sender unknown",), REFUSED, REFUSED, 0, 1),
    Behaviour("4xx at RCPT", "at_rcpt", ("450 mailbox busy",), LATER, SENT, 1, 2),
    Behaviour("greylisting, three times", "at_rcpt", ("451 greylisted",) * 3, LATER, SENT, 1, 4),
    Behaviour("5xx at RCPT", "at_rcpt", ("550 no such user",), REFUSED, REFUSED, 0, 1),
    Behaviour("4xx before the body", "before_data", ("451 not now",), LATER, SENT, 1, 2),
    Behaviour("5xx before the body", "before_data", ("554 no",), REFUSED, REFUSED, 0, 1),
    Behaviour("drops the line before the body", "before_data", ("drops",), LATER, SENT, 1, 2),
    Behaviour("4xx after the body", "at_data", ("451 could not keep it",), LATER, SENT, 1, 2),
    Behaviour("421 after the body", "at_data", ("421 going down",), LATER, SENT, 1, 2),
    Behaviour("5xx after the body", "at_data", ("554 spam",), REFUSED, REFUSED, 0, 1),
    Behaviour("drops the line after the body, kept", "at_data", ("taken, then silence",), UNCLEAR, UNCLEAR, 1, 1),
    Behaviour("drops the line after the body, not kept", "at_data", ("drops",), UNCLEAR, UNCLEAR, 0, 1),
    Behaviour("half an answer after the body", "at_data", ("half an answer",), UNCLEAR, UNCLEAR, 1, 1),
    Behaviour("neither yes nor no after the body", "at_data", ("hello",), UNCLEAR, UNCLEAR, 1, 1),
    Behaviour("says nothing after the body", "at_data", ("waits",), UNCLEAR, UNCLEAR, 1, 1),
)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=str)
def test_nothing_is_lost_or_doubled(
    database: Database, mailing: Settings, office: PostOffice, monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour
) -> None:
    monkeypatch.setattr(smtp, "ANSWER_TIMEOUT_S", 0.3)
    monkeypatch.setattr(smtp, "GOODBYE_TIMEOUT_S", 0.3)
    getattr(office, behaviour.place).extend(behaviour.answers)
    job_id = queued(database)
    seen = [attempt(database, mailing, job_id)[:2]]
    assert seen[0] == behaviour.first
    while seen[-1] not in ENDED and len(seen) < 6:
        seen.append(attempt(database, mailing, job_id)[:2])
    assert seen[-1] == behaviour.last
    assert len(seen) == behaviour.tries
    for _ in range(2):  # late wake-ups
        attempt(database, mailing, job_id)
    assert len(office.taken) == behaviour.taken
    with database.read_only(system("test")) as session:
        mail = session.scalars(select(EmailMessage)).one()
        assert mail.attempts == behaviour.tries
        assert {m["Message-ID"] for m in office.taken} <= {mail.message_id}
        is_told = bool(mail.smtp_reply)
    assert is_told
    assert behaviour.last == SENT or jobs(database, id=job_id)[0].last_error


def test_every_mail_of_a_batch_comes_to_its_own_end(database: Database, mailing: Settings, office: PostOffice) -> None:
    """One recipient a mail, one mail a job: a refused one keeps none of the others back."""
    office.at_rcpt.extend(["250 OK", "550 no such user", "250 OK"])
    numbers = [queued(database, key=str(number), to=f"p{number}@example.com") for number in range(3)]
    for number in numbers:
        _attempt_alone(database, mailing, number)
    with database.read_only(system("test")) as session:
        states = session.execute(select(EmailMessage.to_address, EmailMessage.state).order_by(EmailMessage.id)).all()
    assert [tuple(row) for row in states] == [
        ("p0@example.com", EmailState.SENT),
        ("p1@example.com", EmailState.REFUSED),
        ("p2@example.com", EmailState.SENT),
    ]
    assert [str(mail["To"]) for mail in office.taken] == ["王 波 <p0@example.com>", "王 波 <p2@example.com>"]


def _attempt_alone(database: Database, mailing: Settings, number: int) -> None:
    from crm.workers.execution import execute
    from crm.workers.heartbeat import Heartbeat

    execute(database, mailing, Heartbeat(database, "worker"), number, worker="test")


@pytest.mark.parametrize("international", [True, False])
def test_a_name_of_another_alphabet_needs_a_server_that_knows_it(
    database: Database, mailing: Settings, international: bool
) -> None:
    with post_office.opened(international=international) as office:
        settings = mailing.model_copy(update={"smtp_port": office.port})
        status, state, reply = attempt(database, settings, queued(database, to="王波@example.com"))
        assert (status, state) == (SENT if international else REFUSED)
        assert international or "SMTPUTF8" in reply
        assert ["<王波@example.com>".encode() in raw for raw in office.raw] == [True] * international


def test_a_domain_of_another_alphabet_is_reached(database: Database, mailing: Settings, office: PostOffice) -> None:
    assert attempt(database, mailing, queued(database, to="bo@bücher.example"))[:2] == SENT
    assert office.taken[0]["To"].addresses[0].domain == "xn--bcher-kva.example"


def test_a_database_that_goes_away_before_the_body_makes_nothing_uncertain(
    database: Database, mailing: Settings, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sending` may have been kept or not: either way nothing was handed over, and it is tried again."""
    from sqlalchemy.exc import OperationalError

    from crm.workers import delivery

    begin, broken = delivery._begin, [True]

    def kept_and_then_gone(*arguments: object, **options: object) -> None:
        begin(*arguments, **options)  # type: ignore[arg-type]
        if broken:
            broken.clear()
            raise OperationalError("COMMIT", {}, Exception("server closed the connection"))

    monkeypatch.setattr(delivery, "_begin", kept_and_then_gone)
    job_id = queued(database)
    assert attempt(database, mailing, job_id)[:2] == LATER
    assert attempt(database, mailing, job_id)[:2] == SENT
    assert len(office.taken) == 1
