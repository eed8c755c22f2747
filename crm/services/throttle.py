"""Slows down guessing: per account and per address, in the database, so that every process counts alike.

An attempt is counted before its password is hashed and forgiven when it succeeds, so that parallel guesses cannot
slip through.  Delays grow to a minute and no further; an address the user has signed in from before has a count of
its own, so that an attacker elsewhere cannot keep the user out.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from crm.columns import now
from crm.errors import TooManyRequests
from crm.models.login_throttle import LoginThrottle

FORGETS = timedelta(hours=1)
REMEMBERS_DEVICE = timedelta(days=90)
TOO_MANY = "Too many attempts; try again in %(seconds)s seconds"


@dataclass(frozen=True, slots=True)
class Counter:
    """What is counted: its stored key, how many failures are free, and the longest delay in seconds."""

    key: str
    free: int
    longest_s: int = 60

    def delay_s(self, failures: int) -> int:
        """1, 2, 4, … seconds from the first failure that is not free."""
        beyond = failures - self.free
        return 0 if beyond <= 0 else min(self.longest_s, 2 ** min(beyond - 1, 16))


def counter(kind: str, value: str, *, free: int, longest_s: int = 60) -> Counter:
    """`kind` keeps the names of accounts, addresses and devices apart; the value itself is not stored."""
    return Counter(hashlib.sha256(f"{kind}:{value}".encode("utf-8", "replace")).hexdigest(), free, longest_s)


def sign_in_counters(session: Session, account: str, ip: str) -> tuple[Counter, Counter]:
    """The counters of one sign-in: the account's (or that of the account at a known address), and the address's."""
    device = counter("device", f"{account}|{ip}", free=10)
    known = session.scalar(select(LoginThrottle.updated_at).where(LoginThrottle.key == device.key))
    mine = device if known and known > now() - REMEMBERS_DEVICE else counter("account", account, free=10)
    return mine, counter("address", ip, free=50)


def mail_counters(address: str, ip: str) -> tuple[Counter, Counter]:
    """The counters of mail that anyone may ask for: nobody's inbox is flooded."""
    return counter("mail to", address, free=5, longest_s=900), counter("mail from", ip, free=20, longest_s=900)


def registration_counters(ip: str) -> tuple[Counter]:
    return (counter("registration", ip, free=20),)


def count(session: Session, counters: Iterable[Counter]) -> None:
    """Count one attempt; TooManyRequests, with nothing counted, while a delay runs."""
    moment = now()
    ordered = sorted(counters, key=lambda c: c.key)  # one order, so that two attempts cannot lock each other
    rows = [_locked(session, c.key, moment) for c in ordered]
    waits = [(row.blocked_until - moment).total_seconds() for row in rows if row.blocked_until]
    if waits and max(waits) > 0:
        seconds = math.ceil(max(waits))
        raise TooManyRequests(TOO_MANY, retry_after_s=seconds, seconds=seconds)
    for one, row in zip(ordered, rows, strict=True):
        row.failures = 1 if row.updated_at < moment - FORGETS else row.failures + 1
        row.updated_at = moment
        row.blocked_until = moment + timedelta(seconds=delay) if (delay := one.delay_s(row.failures)) else None
    session.flush()


def forgive(session: Session, account: str, ip: str, counters: tuple[Counter, Counter]) -> None:
    """The attempt succeeded: the account starts anew, the address gets its one back, the device becomes known."""
    moment, (mine, address) = now(), counters
    device = counter("device", f"{account}|{ip}", free=0)
    for key in sorted({mine.key, device.key, address.key}):
        row = _locked(session, key, moment)
        row.failures = max(0, row.failures - 1) if key == address.key else 0
        row.blocked_until, row.updated_at = None, moment
    session.flush()


def _locked(session: Session, key: str, moment: datetime) -> LoginThrottle:
    """The counter's row, made if need be, and locked until the transaction ends (SQLite has one writer anyway)."""
    make: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    fresh = {"key": key, "failures": 0, "updated_at": moment}
    session.connection().execute(make(LoginThrottle).values(fresh).on_conflict_do_nothing(index_elements=["key"]))
    wanted = select(LoginThrottle).where(LoginThrottle.key == key).with_for_update()
    return session.scalars(wanted, execution_options={"populate_existing": True}).one()
