"""Signs of life of one process: of itself, and of every job that it runs."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.exc import SQLAlchemyError

from crm.db import Database
from crm.jobs import lease as leases
from crm.jobs import presence
from crm.jobs.lease import HEARTBEAT_S, LEASE_S, Lease, LeaseLost
from crm.logs import logger

_log = logger(__name__)


def process_name() -> str:
    """`host:pid`"""
    return f"{socket.gethostname()}:{os.getpid()}"


class Heartbeat:
    """Extends the leases of running jobs and renews the process's row, every `every_s` seconds, in a thread."""

    def __init__(
        self, database: Database, role: str, *, every_s: float = HEARTBEAT_S, lease_s: float = LEASE_S
    ) -> None:
        self._database, self._role = database, role
        self._every_s, self._lease_s = every_s, lease_s
        self._held: dict[str, Lease] = {}
        self._mutex = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

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
    def holding(self, lease: Lease) -> Iterator[None]:
        """The lease is extended as long as the block runs."""
        with self._mutex:
            self._held[lease.token] = lease
        try:
            yield
        finally:
            with self._mutex:
                self._held.pop(lease.token, None)

    def beat(self) -> None:
        """One round; a lease that is lost is noticed by its job when it wants to write."""
        with self._mutex:
            held = list(self._held.values())
        with self._database.engine().begin() as connection:
            presence.beat(connection, process=process_name(), role=self._role)
            for lease in held:
                leases.extend(connection, lease, lease_s=self._lease_s)

    def _run(self) -> None:
        while True:
            try:
                self.beat()
            except SQLAlchemyError as error:
                _log.warning("no heartbeat: the database does not answer", error=type(error).__name__)
            if self._stop.wait(self._every_s):
                return

    def _give_back(self) -> None:
        with self._mutex:
            held = list(self._held.values())
        for lease in held:
            with suppress(LeaseLost), self._database.engine().begin() as connection:
                leases.give_back(connection, lease, why="the worker was stopped")
        with self._database.engine().begin() as connection:
            presence.leave(connection, process=process_name())
