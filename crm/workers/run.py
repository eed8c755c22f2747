"""One run of a job: the hands of a handler that opens its own transactions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from crm.actor import Actor
from crm.db import CrmSession, Database
from crm.errors import CrmError
from crm.jobs import lease as leases
from crm.jobs import watch
from crm.jobs.lease import LEASE_S, Lease, LeaseLost
from crm.logs import logger
from crm.settings import Settings
from crm.workers.heartbeat import Hold, Wish

#: so long an outcome is kept in hand while the database is away
RECORD_LIMIT_S = 60.0
Result = TypeVar("Result")
#: progress is written at most this often
PROGRESS_S = 1.0
_log = logger(__name__)


class Stopped(CrmError):
    """The job ends at a step between two of its transactions, because `wish` says so."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        super().__init__(wish.value)


@dataclass(slots=True)
class Run:
    """The job's lease and rights, and the process's database and settings."""

    database: Database
    settings: Settings
    hold: Hold
    actor: Actor
    ended: bool = False
    lease_s: float = LEASE_S
    _open: int = field(default=0, repr=False)
    _told_at: float = field(default=float("-inf"), repr=False)
    _said: str = field(default="", repr=False)

    @property
    def lease(self) -> Lease:
        return self.hold.lease

    @contextmanager
    def transaction(self) -> Iterator[CrmSession]:
        """A transaction with the rights of the job."""
        self._open += 1
        try:
            with self.database.transaction(self.actor, settings=self.settings, run=self) as session:
                yield session
        finally:
            self._open -= 1

    def end(self, session: Session, statement: Callable[..., None], **options: Any) -> None:
        """End the job by a statement of `crm.jobs.lease`, in the session's transaction."""
        statement(session.connection(), self.lease, **options)
        self.ended = True

    def fence(self, session: Session) -> None:
        """Raises LeaseLost if another worker has the job; what follows in this transaction is then not kept."""
        if not leases.extend(session.connection(), self.lease, lease_s=self.lease_s):
            raise LeaseLost

    def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        """Show `done` of `total` and a sentence on what is being done; call it between steps.

        It is shown at most once a second, but another sentence at once.
        It is written beside the work's transaction.  Raises Stopped (or LeaseLost) where the job is to end here:
        somebody asked it to stop, or the worker is being stopped; what the open transaction did is then not kept.
        """
        moment = time.monotonic()
        if moment - self._told_at >= PROGRESS_S or done == total or note != self._said:
            self._told_at, self._said = moment, note
            self._tell(done, total, note)
        if self.hold.wish is Wish.REPLACED:
            raise LeaseLost
        if self.hold.wish is not None:
            raise Stopped(self.hold.wish)

    def _tell(self, done: int, total: int | None, note: str) -> None:
        if not (self._open and self.database.is_sqlite):  # its one writer is this very job
            with self.database.engine().begin() as connection:
                watch.write_progress(connection, self.lease, done, total, note)
        with self.database.engine(write=False).connect() as connection:
            asked = watch.asked_to_stop(connection, self.lease)
        if asked is None:
            self.hold.wish = Wish.REPLACED
        elif asked:
            self.hold.wish = Wish.CANCEL


def run_of(session: Session) -> Run:
    """The run whose transaction this is, inside a handler: for its progress."""
    found = session.info["run"]
    assert isinstance(found, Run)
    return found


def settings_of(session: Session) -> Settings:
    """The process's settings, inside a handler."""
    found = session.info["settings"]
    assert isinstance(found, Settings)
    return found


def persist(action: Callable[[], Result], *, limit_s: float = RECORD_LIMIT_S) -> Result:
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


def write_down(
    database: Database, statement: Callable[[Connection], Result], *, limit_s: float = RECORD_LIMIT_S
) -> Result:
    """One statement about a job in a transaction of its own, in spite of outages."""

    def once() -> Result:
        with database.engine().begin() as connection:
            return statement(connection)

    return persist(once, limit_s=limit_s)
