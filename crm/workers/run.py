"""One run of a job: the hands of a handler that opens its own transactions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from crm.actor import Actor
from crm.db import CrmSession, Database
from crm.jobs import lease as leases
from crm.jobs.lease import Lease
from crm.logs import logger
from crm.settings import Settings

#: so long an outcome is kept in hand while the database is away
RECORD_LIMIT_S = 60.0
_log = logger(__name__)


@dataclass(slots=True)
class Run:
    """The job's lease and rights, and the process's database and settings."""

    database: Database
    settings: Settings
    lease: Lease
    actor: Actor
    ended: bool = False

    @contextmanager
    def transaction(self) -> Iterator[CrmSession]:
        """A transaction with the rights of the job."""
        with self.database.transaction(self.actor, settings=self.settings) as session:
            yield session

    def end(self, session: Session, statement: Callable[..., None], **options: str) -> None:
        """End the job by a statement of `crm.jobs.lease`, in the session's transaction."""
        statement(session.connection(), self.lease, **options)
        self.ended = True

    def fence(self, session: Session) -> None:
        """Raises LeaseLost if another worker has the job; what follows in this transaction is then not kept."""
        if not leases.extend(session.connection(), self.lease):
            raise leases.LeaseLost


def settings_of(session: Session) -> Settings:
    """The process's settings, inside a handler."""
    found = session.info["settings"]
    assert isinstance(found, Settings)
    return found


def persist(action: Callable[[], None], *, limit_s: float = RECORD_LIMIT_S) -> None:
    """Do it, and while the database is away do it again: what has happened must be written down."""
    deadline, pause_s = time.monotonic() + limit_s, 0.05
    while True:
        try:
            return action()
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() + pause_s > deadline:
                raise
            _log.warning("outcome waits for the database", error=type(error).__name__)
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, 2.0)


def write_down(database: Database, statement: Callable[[Connection], None], *, limit_s: float = RECORD_LIMIT_S) -> None:
    """One statement about a job in a transaction of its own, in spite of outages."""

    def once() -> None:
        with database.engine().begin() as connection:
            statement(connection)

    persist(once, limit_s=limit_s)
