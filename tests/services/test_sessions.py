"""Sessions of the panel: on the server, and over when they should be (R7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.models import AdminSession, User
from crm.services import passwords, sessions, users


@pytest.fixture
def eve(database: Database) -> int:
    with database.transaction(system("test")) as session:
        stored = passwords.hash_password("a good passphrase 42", 4)
        return users.add(session, username="eve", email="eve@example.com", password_hash=stored).id


@pytest.fixture
def cookie(database: Database, eve: int) -> str:
    with database.transaction(system("test")) as session:
        return sessions.open_session(session, session.get_one(User, eve))


@pytest.fixture
def is_in(database: Database, cookie: str) -> Callable[[], bool]:
    def ask() -> bool:
        with database.read_only(system("test")) as session:
            return sessions.find_session(session, cookie) is not None

    return ask


def test_a_session_belongs_to_its_user_and_only_its_hash_is_stored(database: Database, eve: int, cookie: str) -> None:
    with database.read_only(system("test")) as session:
        found = sessions.find_session(session, cookie)
        assert found is not None
        assert found.user_id == eve
        assert found.csrf_token not in (cookie, "")
        stored = session.scalars(select(AdminSession.token_hash)).one()
        assert stored != cookie
        assert sessions.find_session(session, stored) is None
        assert sessions.find_session(session, "nonsense \ud800") is None


def test_signing_out_ends_it(database: Database, cookie: str, is_in: Callable[[], bool]) -> None:
    assert is_in()
    with database.transaction(system("test")) as session:
        sessions.end_session(session, cookie)
    assert not is_in()


def test_it_ends_after_eight_idle_hours_unless_it_is_used(
    database: Database, cookie: str, is_in: Callable[[], bool]
) -> None:
    start = now()
    with time_machine.travel(start + timedelta(hours=7), tick=False):
        assert is_in()
        with database.transaction(system("test")) as session:
            found = sessions.find_session(session, cookie)
            assert found is not None
            assert sessions.needs_touch(found)
            sessions.touch(session, cookie)
    with time_machine.travel(start + timedelta(hours=14), tick=False):
        assert is_in()
    with time_machine.travel(start + timedelta(hours=16), tick=False):
        assert not is_in()


def test_it_ends_after_fourteen_days_however_it_is_used(
    database: Database, cookie: str, is_in: Callable[[], bool]
) -> None:
    start = now()
    for hours in range(6, 14 * 24, 6):
        with time_machine.travel(start + timedelta(hours=hours), tick=False):
            assert is_in()
            with database.transaction(system("test")) as session:
                sessions.touch(session, cookie)
    with time_machine.travel(start + timedelta(days=14, minutes=1), tick=False):
        assert not is_in()


@pytest.mark.parametrize("change", ["password", "disabled", "deleted", "disabled and enabled again"])
def test_it_ends_with_the_users_rights(database: Database, eve: int, is_in: Callable[[], bool], change: str) -> None:
    with database.transaction(system("test")) as session:
        user = session.get_one(User, eve)
        if change == "password":
            users.update(session, user, {}, password_hash="$2b$04$x")
        elif change == "deleted":
            users.update(session, user, {"roles": []})
            users.delete(session, user)
        else:
            users.update(session, user, {"status": False})
        if change.endswith("again"):
            users.update(session, user, {"status": True})
    assert not is_in()


def test_a_session_without_a_user_serves_the_sign_in_page(database: Database) -> None:
    with database.transaction(system("test")) as session:
        cookie = sessions.open_session(session, None)
        found = sessions.find_session(session, cookie)
        assert found is not None
        assert (found.user_id, len(found.csrf_token) >= 32) == (None, True)
