"""Mail under all answers a server can give: sent once, or tried again, or refused, or uncertain and shown."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.models import EmailMessage, Job
from crm.models.email_message import EmailState
from crm.models.job import JobEffect, JobStatus
from crm.services import emails
from crm.settings import Settings
from crm.workers.execution import execute
from crm.workers.heartbeat import Heartbeat
from tests.workers import post_office
from tests.workers.conftest import jobs
from tests.workers.post_office import PostOffice


def queued(database: Database, **options: Any) -> int:
    """A mail that waits; its job's number."""
    values = {"to": "bo@example.com", "to_name": "王 波", "subject": "报价 Quote", "text": "Line\n.dot\n", "key": "k"}
    with database.transaction(system("test")) as session:
        job_id = emails.queue(session, **{**values, **options}).job_id
    assert job_id is not None
    return job_id


def attempt(database: Database, settings: Settings, job_id: int) -> tuple[JobStatus, EmailState, str]:
    """Run the job now; its status, the mail's state, and the server's last words."""
    with database.engine().begin() as connection:
        connection.execute(update(Job).values(run_at=now()))
    execute(database, settings, Heartbeat(database, "worker"), job_id, worker="test")
    with database.read_only(system("test")) as session:
        mail = session.scalars(select(EmailMessage)).one()
        return jobs(database, id=job_id)[0].status, mail.state, mail.smtp_reply


def test_a_mail_arrives_as_it_was_written(database: Database, mailing: Settings, office: PostOffice) -> None:
    job_id = queued(database, html="<p>Hallo</p>")
    assert attempt(database, mailing, job_id) == (JobStatus.SUCCEEDED, EmailState.SENT, "taken as 4711")
    (mail,) = office.taken
    assert mail["Subject"] == "报价 Quote"
    assert mail["From"] == "CRM <crm@crm.example>"
    assert mail["To"].addresses[0].display_name == "王 波"
    assert mail["Message-ID"].endswith("@crm.example>")
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == ["Line", ".dot"]
    assert b"\n" not in office.raw[0].replace(b"\r\n", b"")


def test_a_second_wake_up_sends_nothing(database: Database, mailing: Settings, office: PostOffice) -> None:
    job_id = queued(database)
    for _ in range(3):
        attempt(database, mailing, job_id)
    assert len(office.taken) == 1


@pytest.mark.parametrize("where", ["at_rcpt", "at_data"])
def test_4xx_is_tried_again_with_the_same_message_id(
    database: Database, mailing: Settings, office: PostOffice, where: str
) -> None:
    getattr(office, where).append("451 come back later")
    job_id = queued(database)
    assert attempt(database, mailing, job_id) == (JobStatus.QUEUED, EmailState.READY, "come back later")
    assert attempt(database, mailing, job_id)[:2] == (JobStatus.SUCCEEDED, EmailState.SENT)
    with database.read_only(system("test")) as session:
        mail = session.scalars(select(EmailMessage)).one()
        assert [m["Message-ID"] for m in office.taken] == [mail.message_id]


@pytest.mark.parametrize("where", ["at_rcpt", "at_data"])
def test_5xx_is_final_and_visible(database: Database, mailing: Settings, office: PostOffice, where: str) -> None:
    getattr(office, where).append("550 no such user")
    job_id = queued(database)
    assert attempt(database, mailing, job_id) == (JobStatus.DEAD, EmailState.REFUSED, "no such user")
    assert "no such user" in jobs(database)[0].last_error


def test_silence_after_the_body_is_uncertain_and_never_sent_again(
    database: Database, mailing: Settings, office: PostOffice
) -> None:
    office.at_data.append("taken, then silence")
    job_id = queued(database)
    assert attempt(database, mailing, job_id)[:2] == (JobStatus.UNCERTAIN, EmailState.UNCERTAIN)
    attempt(database, mailing, job_id)
    assert len(office.taken) == 1


def test_silence_is_tried_again_where_twice_is_better_than_never(
    database: Database, mailing: Settings, office: PostOffice
) -> None:
    office.at_data.append("taken, then silence")
    job_id = queued(database, effect=JobEffect.AT_LEAST_ONCE)
    assert attempt(database, mailing, job_id)[:2] == (JobStatus.QUEUED, EmailState.READY)
    assert attempt(database, mailing, job_id)[:2] == (JobStatus.SUCCEEDED, EmailState.SENT)
    first, second = office.taken
    assert first["Message-ID"] == second["Message-ID"]


def test_a_server_that_is_away_is_tried_again(database: Database, settings: Settings) -> None:
    nobody = settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": 1})
    status, state, reply = attempt(database, nobody, queued(database))
    assert (status, state) == (JobStatus.QUEUED, EmailState.READY)
    assert "does not take mail from us" in reply


def test_the_last_attempt_leaves_a_refused_mail(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emails, "ATTEMPTS", 1)
    nobody = settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_port": 1})
    assert attempt(database, nobody, queued(database))[:2] == (JobStatus.DEAD, EmailState.REFUSED)


def test_a_mail_that_an_earlier_worker_was_handing_over_is_not_sent_again(
    database: Database, mailing: Settings, office: PostOffice
) -> None:
    job_id = queued(database)
    with database.transaction(system("test")) as session:
        emails.begin(session, session.scalars(select(EmailMessage)).one(), header="<1@crm.example>")
    assert attempt(database, mailing, job_id)[:2] == (JobStatus.UNCERTAIN, EmailState.UNCERTAIN)
    assert office.taken == []


def test_without_a_server_it_is_captured(database: Database, settings: Settings) -> None:
    assert attempt(database, settings, queued(database))[:2] == (JobStatus.SUCCEEDED, EmailState.CAPTURED)


def test_it_signs_in_where_a_login_is_set(database: Database, mailing: Settings) -> None:
    with post_office.opened(asks_for_login=True) as office:
        office_settings = {"smtp_port": office.port, "smtp_user": "crm", "smtp_tls": "none"}
        right = mailing.model_copy(update={**office_settings, "smtp_password": "correct"})
        wrong = mailing.model_copy(update={**office_settings, "smtp_password": "mistaken"})
        job_id = queued(database)
        assert attempt(database, wrong, job_id)[:2] == (JobStatus.QUEUED, EmailState.READY)
        assert attempt(database, right, job_id)[:2] == (JobStatus.SUCCEEDED, EmailState.SENT)
        assert office.logins[-1] == (b"crm", b"correct")


def test_a_server_that_wants_a_login_first_refuses_no_mail(database: Database, mailing: Settings) -> None:
    with post_office.opened(asks_for_login=True) as office:
        settings = mailing.model_copy(update={"smtp_port": office.port, "smtp_tls": "none"})
        status, state, reply = attempt(database, settings, queued(database))
    assert (status, state) == (JobStatus.QUEUED, EmailState.READY)
    assert "Authentication required" in reply
    assert jobs(database)[0].error_class == "Away"


def test_a_password_that_smtp_cannot_carry_is_said_without_a_letter_of_it(
    database: Database, mailing: Settings
) -> None:
    with post_office.opened(asks_for_login=True) as office:
        login = {"smtp_port": office.port, "smtp_user": "crm", "smtp_tls": "none", "smtp_password": "geheimnisvöll"}
        status, state, reply = attempt(database, mailing.model_copy(update=login), queued(database))
    assert (status, state) == (JobStatus.QUEUED, EmailState.READY)
    assert reply.endswith("SMTP_USER and SMTP_PASSWORD can hold ASCII only")
    assert "xf6" not in jobs(database)[0].last_error


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_the_line_is_secured_and_an_unknown_certificate_is_not_trusted(
    database: Database, mailing: Settings, monkeypatch: pytest.MonkeyPatch, tls: str
) -> None:
    with post_office.opened(tls=tls) as office:
        secured = mailing.model_copy(update={"smtp_port": office.port, "smtp_tls": tls})
        job_id = queued(database)
        status, state, reply = attempt(database, secured, job_id)
        assert (status, state) == (JobStatus.QUEUED, EmailState.READY)
        assert "CERTIFICATE_VERIFY_FAILED" in reply
        monkeypatch.setenv("SSL_CERT_FILE", str(post_office.CERTIFICATE))
        assert attempt(database, secured, job_id)[:2] == (JobStatus.SUCCEEDED, EmailState.SENT)


def test_a_worker_that_was_replaced_sends_nothing(
    database: Database, mailing: Settings, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fence: between connecting and handing over, another worker is given the job."""
    from crm.workers import delivery

    begin = delivery._begin

    def replaced_first(*arguments: Any, **options: Any) -> None:
        with database.engine().begin() as connection:
            connection.execute(update(Job).values(lease_token="somebody else's"))
        begin(*arguments, **options)

    monkeypatch.setattr(delivery, "_begin", replaced_first)
    attempt(database, mailing, queued(database))
    assert office.taken == []
