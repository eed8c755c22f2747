"""Registration: whoever may make an account for themselves gets the role `user` and nothing more."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.errors import Forbidden
from crm.models.user import User
from crm.services import throttle, users
from crm.services.roles import REGISTERED
from crm.settings import Settings

CLOSED = "Registration is closed"


def require_open(settings: Settings) -> None:
    """Forbidden where accounts are made by administrators alone."""
    if not settings.registration:
        raise Forbidden(CLOSED)


def count(session: Session, ip: str) -> None:
    """TooManyRequests when one address makes accounts by the dozen."""
    throttle.count(session, throttle.registration_counters(ip))


def register(session: Session, *, username: str, email: str, password_hash: str) -> User:
    """The new user; BadInput where name or address is taken."""
    return users.add(session, username=username, email=email, password_hash=password_hash, roles=[REGISTERED])
