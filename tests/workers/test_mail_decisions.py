"""Mail to somebody who wants none is not sent; what people decide about a mail moves its job along."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.errors import Conflict
from crm.files.storage import Storage
from crm.jobs import lease
from crm.jobs.sweep import sweep
from crm.models import Attachment, AuditEntry, Contact, EmailMessage, EmailSuppression, Job, JobEvent
from crm.models.email_message import EmailPurpose, EmailState
from crm.models.job import JobStatus
from crm.services import email_fates, emails, unsubscribing
from crm.settings import Settings
from tests import factories
from tests.workers.conftest import jobs
from tests.workers.post_office import PostOffice
from tests.workers.test_delivery import attempt, queued

BUSINESS: dict[str, Any] = {"purpose": EmailPurpose.BUSINESS}


def only(session: Any) -> EmailMessage:
    found: EmailMessage = session.scalars(select(EmailMessage)).one()
    return found


def refuse(database: Database, address: str, how: str) -> None:
    with database.transaction(system("test")) as session:
        if how == "do not contact":
            factories.make(Contact, session, email=address.title(), do_not_contact=True)
        else:
            session.add(EmailSuppression(address=address))


@pytest.mark.parametrize("how", ["do not contact", "unsubscribed"])
def test_it_is_not_even_queued_for_somebody_who_wants_none(database: Database, how: str) -> None:
    refuse(database, "bo@example.com", how)
    with database.transaction(system("test")) as session:
        mail = emails.queue(session, to="Bo@example.com", subject="S", text="T", key="k", **BUSINESS)
        assert (mail.state, mail.smtp_reply, mail.job_id) == (EmailState.CANCELLED, emails.UNWANTED, None)
        system_mail = emails.queue(session, to="bo@example.com", subject="S", text="T", key="k2")
        assert system_mail.state is EmailState.READY


@pytest.mark.parametrize("how", ["do not contact", "unsubscribed"])
def test_it_is_not_sent_to_somebody_who_wants_none_by_then(
    database: Database, mailing: Settings, office: PostOffice, how: str
) -> None:
    job_id = queued(database, **BUSINESS)
    refuse(database, "bo@example.com", how)
    assert attempt(database, mailing, job_id) == (JobStatus.CANCELLED, EmailState.CANCELLED, emails.UNWANTED)
    assert office.taken == []


def test_a_mail_carries_its_files(database: Database, mailing: Settings, office: PostOffice) -> None:
    digest = Storage(mailing.uploads).put(b"%PDF-1.7")
    with database.transaction(system("test")) as session:
        values = {"sha256": digest, "media_type": "application/pdf", "size": 8}
        file = Attachment(name="报价.pdf", **values)
        session.add(file)
        session.flush()
        job_id = emails.queue(session, to="bo@example.com", subject="S", text="T", key="k", files=[file]).job_id
    assert attempt(database, mailing, job_id or 0)[:2] == (JobStatus.SUCCEEDED, EmailState.SENT)
    (hanging,) = office.taken[0].iter_attachments()
    assert (hanging.get_filename(), hanging.get_content()) == ("报价.pdf", b"%PDF-1.7")


def test_a_mail_whose_file_is_gone_is_refused(database: Database, mailing: Settings, office: PostOffice) -> None:
    with database.transaction(system("test")) as session:
        file = Attachment(name="x.pdf", sha256="0" * 64, media_type="application/pdf", size=8)
        session.add(file)
        session.flush()
        job_id = emails.queue(session, to="bo@example.com", subject="S", text="T", key="k", files=[file]).job_id
    status, state, reply = attempt(database, mailing, job_id or 0)
    assert (status, state, reply) == (JobStatus.DEAD, EmailState.REFUSED, "A file of this mail is gone")
    assert office.taken == []


def uncertain(database: Database, mailing: Settings, office: PostOffice) -> int:
    office.at_data.append("taken, then silence")
    job_id = queued(database)
    assert attempt(database, mailing, job_id)[:2] == (JobStatus.UNCERTAIN, EmailState.UNCERTAIN)
    return job_id


def test_an_uncertain_mail_is_sent_again_with_the_same_message_id(
    database: Database, mailing: Settings, office: PostOffice
) -> None:
    first = uncertain(database, mailing, office)
    with database.transaction(system("ann")) as session:
        email_fates.resend(session, only(session))
        second = only(session).job_id
    assert second is not None
    assert second != first
    assert attempt(database, mailing, second)[1] is EmailState.SENT
    assert [job.status for job in jobs(database)] == [JobStatus.CANCELLED, JobStatus.SUCCEEDED]
    assert len({mail["Message-ID"] for mail in office.taken}) == 1
    with database.read_only(system("test")) as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "resend")).one()
        assert told.changes == {"state": ["uncertain", "ready"]}


def test_an_uncertain_mail_that_did_arrive_is_done(database: Database, mailing: Settings, office: PostOffice) -> None:
    job_id = uncertain(database, mailing, office)
    with database.transaction(system("ann")) as session:
        email_fates.mark_delivered(session, only(session))
        assert only(session).sent_at == only(session).sending_at
    assert jobs(database)[0].status is JobStatus.SUCCEEDED
    with database.read_only(system("test")) as session:
        last = session.scalars(select(JobEvent).where(JobEvent.job_id == job_id).order_by(JobEvent.id.desc())).first()
        assert last is not None
        assert (last.from_status, last.to_status, last.actor) == ("uncertain", "succeeded", "ann")


def test_a_waiting_mail_is_called_off(database: Database, mailing: Settings, office: PostOffice) -> None:
    job_id = queued(database)
    with database.transaction(system("ann")) as session:
        email_fates.cancel(session, only(session))
    assert attempt(database, mailing, job_id)[:2] == (JobStatus.CANCELLED, EmailState.CANCELLED)
    assert office.taken == []
    with database.transaction(system("ann")) as session:
        email_fates.resend(session, only(session))
        second = only(session).job_id
    assert attempt(database, mailing, second or 0)[:2] == (JobStatus.SUCCEEDED, EmailState.SENT)


def test_a_refused_mail_is_sent_again(database: Database, mailing: Settings, office: PostOffice) -> None:
    office.at_rcpt.append("550 no such user")
    assert attempt(database, mailing, queued(database))[1] is EmailState.REFUSED
    with database.transaction(system("ann")) as session:
        email_fates.resend(session, only(session))
        second = only(session).job_id
    assert attempt(database, mailing, second or 0)[1] is EmailState.SENT
    with database.read_only(system("test")) as session:
        assert only(session).attempts == 2


@pytest.mark.parametrize("ending", ["a later attempt was due", "the worker vanished"])
def test_a_mail_whose_job_was_called_off_while_it_ran_is_called_off_too(
    database: Database, mailing: Settings, office: PostOffice, ending: str
) -> None:
    office.at_rcpt.append("451 come back later")
    job_id = queued(database)
    with database.engine().begin() as connection:
        connection.execute(update(Job).values(cancel_asked_at=now()))
        if ending == "the worker vanished":
            assert lease.claim(connection, job_id, worker="gone", lease_s=-1) is not None
    attempt(database, mailing, job_id)
    with database.engine().begin() as connection:
        sweep(connection, by="sweeper")
    assert attempt(database, mailing, job_id)[:2] == (JobStatus.CANCELLED, EmailState.CANCELLED)
    assert office.taken == []


@pytest.mark.parametrize("verb", ["resend", "mark_delivered", "cancel"])
def test_a_sent_mail_is_left_alone(database: Database, mailing: Settings, office: PostOffice, verb: str) -> None:
    attempt(database, mailing, queued(database))
    with pytest.raises(Conflict), database.transaction(system("ann")) as session:
        getattr(email_fates, verb)(session, only(session))


def test_whoever_follows_the_link_gets_no_more_business_mail(
    database: Database, mailing: Settings, office: PostOffice
) -> None:
    with database.transaction(system("test")) as session:
        mail = emails.queue(session, to="bo@example.com", subject="S", text="T", key="k", **BUSINESS)
        unsubscribing.sign_off(session, mailing, mail, language="zh")
        job_id = mail.job_id
    attempt(database, mailing, job_id or 0)
    (sent,) = office.taken
    link = sent["List-Unsubscribe"].strip("<>")
    text = sent.get_body(("plain",))
    assert text is not None
    assert link in text.get_content()
    token = link.rpartition("/")[2]
    with database.transaction(system("test")) as session:
        address = unsubscribing.recipient(session, mailing, token, ip="10.0.0.1")
        assert address == "bo@example.com"
        unsubscribing.unsubscribe(session, address)
        unsubscribing.unsubscribe(session, address)
        again = emails.queue(session, to="BO@example.com", subject="S", text="T", key="k2", **BUSINESS)
        assert again.state is EmailState.CANCELLED


def test_an_address_is_shown_to_its_owner_only() -> None:
    assert unsubscribing.masked("maria@example.com") == "m•••@e•••.com"
    assert unsubscribing.masked("王波@bücher.example") == "王•••@b•••.example"
