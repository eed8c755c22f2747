"""What has run out is forgotten, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from sqlalchemy import func, select

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.models import AdminSession, LoginThrottle, RefreshToken, TokenBlacklist, User
from crm.services import expiry, passwords, refresh_tokens, sessions, throttle, tokens, users
from crm.settings import Settings

MODELS = (AdminSession, LoginThrottle, RefreshToken, TokenBlacklist)


def _counts(database: Database) -> list[int]:
    with database.read_only(system("test")) as session:
        return [session.scalar(select(func.count(model.id))) or 0 for model in MODELS]


def _purge(database: Database) -> int:
    with database.transaction(system("test")) as session:
        return expiry.purge_expired(session)


def test_only_what_has_run_out_is_forgotten(database: Database, settings: Settings) -> None:
    with database.transaction(system("test")) as session:
        stored = passwords.hash_password("a good passphrase 42", 4)
        user: User = users.add(session, username="eve", email="eve@example.com", password_hash=stored)
        refresh_tokens.start(session, settings, user)
        sessions.open_session(session, user)
        throttle.count(session, throttle.registration_counters("10.0.0.1"))
        tokens.blacklist(session, tokens.verify(settings, tokens.issue(settings, user.id)))
    assert (_purge(database), _counts(database)) == (0, [1, 1, 1, 1])
    start = now()
    for days, left in ((1, [1, 1, 1, 0]), (8, [1, 1, 0, 0]), (15, [0, 1, 0, 0]), (91, [0, 0, 0, 0])):
        with time_machine.travel(start + timedelta(days=days), tick=False):
            assert (_purge(database), _counts(database)) == (1, left)
