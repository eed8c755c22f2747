"""Signing in with a password, the same for the API and the panel.

The password is hashed between two short transactions, never inside one: a quarter of a second of CPU must hold
neither a connection nor SQLite's only writer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.errors import Unauthenticated
from crm.models.user import User
from crm.services import passwords, throttle
from crm.settings import Settings

Result = TypeVar("Result")
NOT_FOUND, WRONG, EITHER = "User not found", "Invalid password", "Invalid username or password"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: who it may be, the hash the password is held against, and what counts it."""

    user_id: int | None
    stored: str
    account: str
    ip: str
    counters: tuple[throttle.Counter, throttle.Counter]


async def sign_in(
    database: Database,
    settings: Settings,
    *,
    username: str,
    password: str,
    ip: str,
    then: Callable[[Session, User], Result],
) -> Result:
    """Check the password and answer `then(session, user)`, run in the transaction that notes the sign-in.

    `username` may be an e-mail address.  Raises Unauthenticated with the document's messages (in production one
    message for both, in equal time), TooManyRequests while a delay runs.
    """
    actor = system("sign-in")
    async with database.transaction_async(actor) as session:
        attempt = await session.run_sync(begin, settings, username=username, ip=ip)
    await _prove(settings, attempt, password)
    better = None
    if passwords.is_outdated(attempt.stored, settings.bcrypt_cost):
        better = await passwords.hash_async(password, settings.bcrypt_cost)
    async with database.transaction_async(actor) as session:
        return await session.run_sync(_finish, settings, attempt, better, then)


async def confirm(database: Database, settings: Settings, *, user_id: int, password: str, ip: str) -> None:
    """Check the password of somebody who is signed in already; guesses count, and are refused, as sign-ins."""
    async with database.transaction_async(system("sign-in")) as session:
        attempt = await session.run_sync(_begin_for, settings, user_id, ip)
    await _prove(settings, attempt, password)
    async with database.transaction_async(system("sign-in")) as session:
        await session.run_sync(throttle.forgive, attempt.account, ip, attempt.counters)


async def _prove(settings: Settings, attempt: Attempt, password: str) -> None:
    if not await passwords.matches_async(password, attempt.stored) or attempt.user_id is None:
        raise refusal(settings, attempt)


def begin(session: Session, settings: Settings, *, username: str, ip: str) -> Attempt:
    """Count the try and find the hash to check; for an unknown user one that nobody's password has."""
    return _begin(session, settings, find_account(session, username), username, ip)


def _begin_for(session: Session, settings: Settings, user_id: int, ip: str) -> Attempt:
    return _begin(session, settings, session.scalar(select(User).where(User.id == user_id, User.status)), "", ip)


def _begin(session: Session, settings: Settings, user: User | None, username: str, ip: str) -> Attempt:
    account = f"user {user.id}" if user else f"name {username.strip().casefold()}"
    counters = throttle.sign_in_counters(session, account, ip)
    throttle.count(session, counters)
    stored = user.password_hash if user and user.password_hash else passwords.dummy(settings.bcrypt_cost)
    return Attempt(user.id if user else None, stored, account, ip, counters)


def find_account(session: Session, username: str) -> User | None:
    """The active user with this name or e-mail address, in any case.

    No name is another user's address (`services.users` sees to that), so there is one at most.
    """
    if not username.isprintable():  # nobody's name, and no database takes it
        return None
    typed = func.lower(username.strip())
    wanted = or_(func.lower(User.username) == typed, func.lower(User.email) == typed)
    return session.scalars(select(User).where(wanted, User.status).order_by(User.id)).first()


def refusal(settings: Settings, attempt: Attempt) -> Unauthenticated:
    if settings.production:
        return Unauthenticated(EITHER)
    return Unauthenticated(WRONG if attempt.user_id else NOT_FOUND)


def _finish(
    session: Session,
    settings: Settings,
    attempt: Attempt,
    better: str | None,
    then: Callable[[Session, User], Result],
) -> Result:
    """What changed while the password was hashed (disabled, deleted, another password) counts."""
    user = session.scalar(select(User).where(User.id == attempt.user_id, User.status))
    if user is None or user.password_hash != attempt.stored:
        raise refusal(settings, attempt)
    throttle.forgive(session, attempt.account, attempt.ip, attempt.counters)
    seen = update(User).where(User.id == user.id).values(last_login_at=now())
    if better:
        seen = seen.values(password_hash=better)
    # past ORM, audit and version: signing in is no change that a colleague's open form should stumble over
    session.execute(seen, execution_options={"unscoped": True, "synchronize_session": False})
    return then(session, user)
