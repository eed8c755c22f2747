"""The default account, outside production only."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from crm.models.role import Role
from crm.models.user import User
from crm.rights import ADMIN
from crm.services import users

NAME, PASSWORD, EMAIL = users.DEFAULT_NAME, users.DEFAULT_PASSWORD, "admin@example.com"


def load(session: Session, password_hash: str) -> None:
    """Make admin / admin123 unless there is an administrator, or there was such an account and it was deleted."""
    taken = select(User.id).where(
        or_(func.lower(User.username) == NAME, func.lower(User.email) == EMAIL, User.roles.any(Role.name == ADMIN))
    )
    if session.scalar(taken.limit(1), execution_options={"trash": "any"}) is None:
        users.add(session, username=NAME, email=EMAIL, password_hash=password_hash, roles=[ADMIN])
