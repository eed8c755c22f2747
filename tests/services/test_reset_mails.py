"""The token of a forgotten password leaves the stored mail as soon as nobody needs it there."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.models.email_message import EmailMessage, EmailState
from crm.services import emails, expiry, password_resets, users
from crm.settings import Settings

TEST = system("test")


@pytest.fixture
def token(database: Database, settings: Settings) -> str:
    """A token that was mailed to eve."""
    with database.transaction(TEST) as session:
        users.add(session, username="eve", email="eve@example.com", password_hash="x")
        password_resets.request(session, settings, email="eve@example.com", ip="10.0.0.1")
    found = re.search(r"#(\S+)", _text(database))
    assert found is not None
    return found[1]


def _text(database: Database) -> str:
    with database.read_only(TEST) as session:
        message = session.scalars(select(EmailMessage)).one()
        return message.text_body + message.html_body


def _to(database: Database, state: EmailState, **told: Any) -> None:
    with database.transaction(TEST) as session:
        emails.conclude(session, session.scalars(select(EmailMessage)).one(), state, code=250, reply="OK", **told)


def test_a_sent_mail_keeps_no_token(database: Database, token: str) -> None:
    _to(database, EmailState.SENT)
    assert token not in _text(database)
    assert _text(database) == emails.FORGOTTEN


@pytest.mark.parametrize("state", [EmailState.CAPTURED, EmailState.UNCERTAIN, EmailState.REFUSED])
def test_a_mail_that_lies_here_keeps_it_until_it_runs_out(database: Database, token: str, state: EmailState) -> None:
    _to(database, state)
    for minutes, kept in ((20, True), (31, False)):
        with time_machine.travel(now() + timedelta(minutes=minutes), tick=False):
            with database.transaction(TEST) as session:
                expiry.purge_expired(session)
            assert (token in _text(database)) is kept


def test_a_token_that_was_used_is_not_kept(database: Database, token: str) -> None:
    _to(database, EmailState.CAPTURED)
    with database.transaction(TEST) as session:
        password_resets.redeem(session, token, password_hash="y")
    assert token not in _text(database)
