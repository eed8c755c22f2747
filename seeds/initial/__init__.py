"""The data every installation begins with: permissions, roles, default account, pipeline, lost reasons, categories.

Safe in production and safe to repeat: permissions follow the code each time, new ones are granted to the roles they
are meant for, and whatever people have changed, renamed or deleted since stays as they left it.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.actor import system
from crm.db import Database
from crm.services import passwords, permissions
from crm.settings import Settings
from seeds.initial import accounts, classification, mail_templates, sales
from seeds.initial.roles import load_roles

_LOCK = 4_711_001


def load(database: Database, settings: Settings) -> None:
    """Bring the initial data up to date, in one transaction; two processes that start together take turns."""
    password_hash = "" if settings.production else passwords.hash_password(accounts.PASSWORD, settings.bcrypt_cost)
    with database.transaction(system("initial data")) as session:
        if not database.is_sqlite:
            session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        _load(session, password_hash)


def _load(session: Session, password_hash: str) -> None:
    fresh = permissions.sync(session)
    load_roles(session, fresh)
    if password_hash:
        accounts.load(session, password_hash)
    sales.load(session)
    classification.load(session)
    mail_templates.load(session)
