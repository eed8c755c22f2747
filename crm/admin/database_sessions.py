"""The sessionmaker SQLAdmin is given: its own, for reading only, each session bound to the actor of the request."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from crm.admin.visitor import current_actor
from crm.db import CrmSession, Database


class ActorSessions(async_sessionmaker[AsyncSession]):
    """SQLAdmin switches autoflush off on the sessionmaker it gets, and knows of no actor; nothing else uses this one.

    Writes go through `crm.services.records`; what SQLAdmin might still write itself has no transaction to commit.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        super().__init__(class_=AsyncSession, sync_session_class=CrmSession, expire_on_commit=False)

    def __call__(self, **options: Any) -> AsyncSession:
        actor = current_actor.get()
        if actor is None:
            raise RuntimeError("a session of the panel needs a signed-in actor")
        engine = self.database.async_engine(write=False)
        return super().__call__(**{**options, "bind": engine, "info": {"actor": actor}})
