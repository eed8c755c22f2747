"""A mail and its copies on the wire: one recipient each, the same headers in all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select, update

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.mail.authored import Source
from crm.models import Contact, EmailMessage, EmailSuppression, Job
from crm.models.email_message import EmailState
from crm.services import email_composing, email_copies, email_recipients
from crm.services.email_composing import Draft
from crm.settings import Settings
from crm.workers.execution import execute
from crm.workers.heartbeat import Heartbeat
from tests import factories
from tests.workers import post_office
from tests.workers.post_office import PostOffice


@pytest.fixture
def rcpt(monkeypatch: pytest.MonkeyPatch, office: PostOffice) -> list[str]:
    """Whom the server is told to bring each mail to."""
    told: list[str] = []
    answer = office.handle_RCPT

    async def noted(server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        told.append(address)
        return await answer(server, session, envelope, address, options)

    monkeypatch.setattr(office, "handle_RCPT", noted)
    return told


def write(database: Database, settings: Settings, cc: Sequence[str]) -> None:
    with database.transaction(system("test")) as session:
        person = factories.make(Contact, session, name="Bo", email="bo@example.com", do_not_contact=False)
        people = email_recipients.find(session, [person.id])
        copies = email_copies.recipients(session, cc, people)
        draft = Draft(person, people, texts=Source("Offer", "Dear Bo"), copies=copies)
        email_composing.send(session, settings, draft)


def send_all(database: Database, settings: Settings) -> list[EmailState]:
    with database.engine().begin() as connection:
        connection.execute(update(Job).values(run_at=now()))
        jobs = connection.scalars(select(Job.id).where(Job.kind == "email.send").order_by(Job.id)).all()
    for number in jobs:
        execute(database, settings, Heartbeat(database, "worker"), number, worker="test")
    with database.read_only(system("test")) as session:
        return list(session.scalars(select(EmailMessage.state).order_by(EmailMessage.id)))


def test_everyone_gets_one_mail_that_shows_all(
    database: Database, mailing: Settings, office: PostOffice, rcpt: list[str]
) -> None:
    write(database, mailing, ["cy@example.com", "di@bücher.example"])
    assert send_all(database, mailing) == [EmailState.SENT] * 3
    assert rcpt == ["bo@example.com", "cy@example.com", "di@xn--bcher-kva.example"]
    assert {str(mail["To"]) for mail in office.taken} == {"Bo <bo@example.com>"}
    assert {str(mail["Cc"]) for mail in office.taken} == {"cy@example.com, di@xn--bcher-kva.example"}
    assert len({mail["Message-ID"] for mail in office.taken}) == 3
    ways_out = [mail["List-Unsubscribe"] for mail in office.taken]
    assert len(set(ways_out)) == 3
    for mail, way_out in zip(office.taken, ways_out, strict=True):
        body = mail.get_body(("plain",))
        assert body is not None
        assert way_out.strip("<>") in body.get_content()


def test_a_copy_that_is_refused_keeps_nobody_else_from_theirs(
    database: Database, mailing: Settings, office: PostOffice
) -> None:
    write(database, mailing, ["cy@example.com"])
    office.at_rcpt += ["250 OK", "550 no such user"]
    assert send_all(database, mailing) == [EmailState.SENT, EmailState.REFUSED]


def test_whoever_unsubscribed_meanwhile_gets_no_copy(database: Database, mailing: Settings, office: PostOffice) -> None:
    write(database, mailing, ["cy@example.com"])
    with database.transaction(system("test")) as session:
        session.add(EmailSuppression(address="cy@example.com"))
    assert send_all(database, mailing) == [EmailState.SENT, EmailState.CANCELLED]
    assert len(office.taken) == 1


def test_a_name_of_any_alphabet_in_a_header_needs_a_server_that_knows_it(
    database: Database, mailing: Settings, office: PostOffice
) -> None:
    write(database, mailing, ["王波@example.com"])
    assert send_all(database, mailing) == [EmailState.SENT] * 2
    assert all("Cc: 王波@example.com\r\n".encode() in raw for raw in office.raw)


def test_a_server_of_plain_letters_refuses_such_a_mail_by_name(database: Database, mailing: Settings) -> None:
    write(database, mailing, ["王波@example.com"])
    with post_office.opened(international=False) as office:
        settings = mailing.model_copy(update={"smtp_port": office.port})
        assert send_all(database, settings) == [EmailState.REFUSED] * 2
    with database.read_only(system("test")) as session:
        replies = session.scalars(select(EmailMessage.smtp_reply)).all()
    assert all("SMTPUTF8" in reply for reply in replies)
