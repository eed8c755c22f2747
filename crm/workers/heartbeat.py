"""Signs of life of one process: of itself, and of every job that it runs."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum

from sqlalchemy.exc import SQLAlchemyError

from crm.db import Database
from crm.jobs import lease as leases
from crm.jobs import presence, watch
from crm.jobs.lease import HEARTBEAT_S, LEASE_S, Lease, LeaseLost
from crm.logs import logger

_log = logger(__name__)


class Wish(Enum):
    """Why a running job should end at its next step."""

    CANCEL = "somebody asked it to stop"
    STOP = "the worker was stopped"
    REPLACED = "another worker has the job"


@dataclass(slots=True)
class Hold:
    """A job at work; `wish` is set from outside and read by the job."""

    lease: Lease
    wish: Wish | None = None


def process_name() -> str:
    """`host:pid`"""
    return f"{socket.gethostname()}:{os.getpid()}"


class Heartbeat:
    """Extends the leases of running jobs and renews the process's row, every `every_s` seconds, in a thread."""

    def __init__(
        self, database: Database, role: str, *, every_s: float = HEARTBEAT_S, lease_s: float = LEASE_S
    ) -> None:
        self._database, self._role = database, role
        self._every_s, self.lease_s = every_s, lease_s
        self._held: dict[str, Hold] = {}
        self._mutex = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Jobs that tell their progress end at the next step, and are given back."""
        for hold in self._holds():
            hold.wish = hold.wish or Wish.STOP

    def stop(self) -> None:
        """Give back the jobs that are still running, so that another worker need not wait for their leases."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        try:
            self._give_back()
        except SQLAlchemyError as error:
            _log.warning("jobs could not be given back", error=type(error).__name__)

    @contextmanager
    def holding(self, lease: Lease) -> Iterator[Hold]:
        """The lease is extended as long as the block runs."""
        hold = Hold(lease)
        with self._mutex:
            self._held[lease.token] = hold
        try:
            yield hold
        finally:
            with self._mutex:
                self._held.pop(lease.token, None)

    def beat(self) -> None:
        """One round: sign of life and leases, each in a transaction of its own; what became of the jobs is noted."""
        with self._database.engine().begin() as connection:
            presence.beat(connection, process=process_name(), role=self._role)
        holds = self._holds()
        if not holds:
            return
        with self._database.engine().begin() as connection:
            kept = watch.extend_all(connection, (hold.lease for hold in holds), lease_s=self.lease_s)
        for hold in holds:
            if hold.lease.token not in kept:
                hold.wish = Wish.REPLACED
            elif kept[hold.lease.token]:
                hold.wish = Wish.CANCEL

    def _holds(self) -> list[Hold]:
        with self._mutex:
            return list(self._held.values())

    def _run(self) -> None:
        while True:
            try:
                self.beat()
            except SQLAlchemyError as error:
                _log.warning("no heartbeat: the database does not answer", error=type(error).__name__)
            if self._stop.wait(self._every_s):
                return

    def _give_back(self) -> None:
        for hold in self._holds():
            with suppress(LeaseLost), self._database.engine().begin() as connection:
                leases.give_back(connection, hold.lease, why=Wish.STOP.value)
        with self._database.engine().begin() as connection:
            presence.leave(connection, process=process_name())
