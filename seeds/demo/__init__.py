"""Demo data: an invented company's sales of two years around today, half in Chinese, half in English.

Deterministic for a day.  A second load adds a second lot, for load work; users, teams and tags are made once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.errors import Forbidden
from crm.files.storage import Storage
from crm.models.user import User
from crm.services import passwords
from crm.settings import Settings
from seeds.demo.files import load_files
from seeds.demo.load import Size, make
from seeds.demo.people import MANAGER, PASSWORDS
from seeds.progress import Progress, silent

DEFAULT = Size(customers=400, contacts=1500, deals=900)


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody who can sign in with a password that everybody knows."""

    username: str
    password: str

    def __str__(self) -> str:
        return f"{self.username} / {self.password}"


def load(
    database: Database,
    settings: Settings,
    *,
    size: int | None = None,
    deals: int | None = None,
    progress: Progress = silent,
    moment: datetime | None = None,
) -> list[Login]:
    """Make `size` contacts, a fifth as many customers, and `deals` deals; by default `DEFAULT`.

    Needs the initial data.  Returns the logins to print.  Forbidden in production.
    """
    if settings.production:
        raise Forbidden("Demo data is never loaded in production: its passwords are known to everybody")
    wanted = DEFAULT if size is None else Size(max(1, size // 5), size, DEFAULT.deals)
    wanted = wanted if deals is None else Size(wanted.customers, wanted.contacts, deals)
    hashes = {name: passwords.hash_password(word, settings.bcrypt_cost) for name, word in PASSWORDS.items()}
    with database.transaction(system("demo data")) as session:
        make(session, wanted, hashes, moment or now(), progress)
        load_files(session, Storage(settings.uploads))
        return logins(session)


def logins(session: Session) -> list[Login]:
    """The demo users whose password is still the known one; empty where there is no demo data."""
    known = select(User.username, User.password_hash).where(User.username.in_(PASSWORDS), User.status)
    found = dict(session.execute(known).all())
    return [
        Login(name, word) for name, word in PASSWORDS.items() if name in found and passwords.matches(word, found[name])
    ]


__all__ = ["DEFAULT", "MANAGER", "Login", "Size", "load", "logins"]
