"""The relay: takes due jobs from the table, commits, then wakes workers. The only one that talks to Redis."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from crm.db import Database
from crm.jobs import dispatch
from crm.jobs.dispatch import LOST_AFTER_S, WakeUp
from crm.jobs.killpoints import reach
from crm.logs import logger
from crm.workers import broker

BUSY_POLL_S = 0.02
IDLE_POLL_S = 0.08
LONGEST_PAUSE_S = 5.0
_log = logger(__name__)


class Relay:
    """Any number may run: they take different rows."""

    def __init__(self, database: Database, redis_url: str, *, name: str, lost_after_s: float = LOST_AFTER_S) -> None:
        self._database, self._name, self._lost_after_s = database, name, lost_after_s
        self._broker = broker.sender(redis_url)
        self._redis_was_away = False

    def run(self, stop: threading.Event) -> None:
        """Until `stop`: often while there is work, at rest every 80 ms, ever more rarely while a server is away."""
        pause_s = BUSY_POLL_S
        while not stop.wait(pause_s):
            try:
                taken = self.step()
                pause_s = BUSY_POLL_S if taken else min(pause_s * 1.5, IDLE_POLL_S)
            except (RedisError, SQLAlchemyError, OSError) as error:
                pause_s = min(max(pause_s, 0.25) * 2, LONGEST_PAUSE_S)
                _log.warning("relay waits", error=type(error).__name__, pause_s=pause_s)

    def step(self) -> int:
        """Wake workers for what is due now; how many. Raises RedisError or SQLAlchemyError while one is away."""
        with self._database.engine(write=False).connect() as connection:
            if not dispatch.anything_due(connection, lost_after_s=self._lost_after_s):
                return 0
        if self._redis_was_away:  # nothing is taken only to be put back again, with a diary entry each time
            self._broker.client.ping()
            self._redis_was_away = False
        with self._database.engine().begin() as connection:
            wake_ups = dispatch.take_due(connection, by=self._name, lost_after_s=self._lost_after_s)
            reach("after_taking")
        reach("after_dispatch")
        self._send(wake_ups)
        reach("after_wake")
        return len(wake_ups)

    def _send(self, wake_ups: Sequence[WakeUp]) -> None:
        for sent, wake_up in enumerate(wake_ups):
            try:
                broker.send(self._broker, wake_up)
            except RedisError:
                self._redis_was_away = True
                with self._database.engine().begin() as connection:
                    dispatch.put_back(connection, wake_ups[sent:], by=self._name, why="Redis is away")
                raise
