"""What is backed up, and what must come back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from crm.actor import system
from crm.db import Database
from crm.files.storage import Storage
from crm.models import Base, Customer, Tag
from crm.settings import Settings
from tests import factories

#: what a restored copy settles for itself
OWN = {"process_heartbeat", "restoration", "job", "job_event", "email_message"}


def fill(database: Database, settings: Settings) -> None:
    """Rows that refer to each other in both directions, a file, a key, and a gap in the numbers."""
    with database.transaction(system("test")) as session:
        owner = factories.user(session)
        parent = factories.make(Customer, session, owner_id=owner.id, name="母公司 \\ \t\n ''")
        factories.make(Customer, session, parent_id=parent.id, owner_id=owner.id)
        gone = Tag(name="gone")
        session.add_all([gone, Tag(name="kept")])
        session.flush()
    Storage(settings.uploads).put(b"a file" * 1000)
    assert settings.signing_key


def rows(url: str) -> dict[str, list[Any]]:
    database = Database(url)
    with database.engine(write=False).connect() as connection:
        tables = [table for table in Base.metadata.sorted_tables if table.name not in OWN]
        found = {t.name: sorted(map(repr, connection.execute(select(t)).all())) for t in tables}
    database.dispose()
    return found
