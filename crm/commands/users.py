"""`crm user add`: the first account of a production system, and a way back in for a locked-out administrator."""

from __future__ import annotations

from collections.abc import Sequence

from crm.commands.data import opened
from crm.settings import Settings


def add(settings: Settings, *, username: str, email: str, name: str, roles: Sequence[str], password: str) -> str:
    """Add a user with these roles; the same rules hold as in the panel."""
    from crm.actor import system
    from crm.services import passwords, users
    from crm.services.roles import named

    passwords.check(settings, password, about=(username, email))
    password_hash = passwords.hash_password(password, settings.bcrypt_cost)
    with opened(settings) as database, database.transaction(system("command line")) as session:
        numbers = [named(session, role).id for role in roles]
        values = {"username": username, "email": email, "name": name, "roles": numbers}
        users.create(session, values, password_hash=password_hash)
    return f"{username} may sign in now."
