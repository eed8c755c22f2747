"""Mail is queued once per key, in the caller's transaction, and cannot carry headers of its own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import select

from crm.actor import system
from crm.db import Database
from crm.errors import BadInput
from crm.models import EmailMessage, Job, User
from crm.services import emails


def test_the_same_key_is_the_same_mail_and_one_job(database: Database) -> None:
    with database.transaction(system("test")) as session:
        first = emails.queue(session, to="a@b.example", subject="One", text="T", key="k")
        second = emails.queue(session, to="c@d.example", subject="Two", text="T", key="k")
        assert first is second
        assert session.scalars(select(Job.dedupe_key)).all() == [f"email:{first.id}"]


def test_writers_at_once_get_the_same_mail(database: Database) -> None:
    start = threading.Barrier(3)

    def write(_: int) -> int:
        start.wait()
        with database.transaction(system("test")) as session:
            return emails.queue(session, to="a@b.example", subject="S", text="T", key="k").id

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(write, range(3)))) == 1


def test_a_mail_is_queued_only_if_the_transaction_is_kept(database: Database) -> None:
    with suppress(ZeroDivisionError), database.transaction(system("test")) as session:
        emails.queue(session, to="a@b.example", subject="S", text="T", key="k")
        raise ZeroDivisionError
    with database.read_only(system("test")) as session:
        assert session.scalars(select(EmailMessage)).all() == []
        assert session.scalars(select(Job)).all() == []


def test_line_ends_in_headers_are_taken_out(database: Database) -> None:
    with database.transaction(system("test")) as session:
        evil = "Hello\r\nBcc: everyone@b.example\x00"
        message = emails.queue(session, to="a@b.example", to_name=evil, subject=evil, text="T", key="k")
        assert message.subject == message.to_name == "Hello Bcc: everyone@b.example"


@pytest.mark.parametrize("address", ["", "nobody", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "@"])
def test_what_is_no_single_address_is_refused(database: Database, address: str) -> None:
    with pytest.raises(BadInput), database.transaction(system("test")) as session:
        emails.queue(session, to=address, subject="S", text="T", key="k")


def test_a_mail_points_at_its_record(database: Database) -> None:
    with database.transaction(system("test")) as session:
        user = User(username="ann", email="ann@b.example")
        session.add(user)
        session.flush()
        message = emails.queue(session, to="a@b.example", subject="S", text="T", key="k", record=user)
        assert (message.record_type, message.record_id) == ("user", user.id)
