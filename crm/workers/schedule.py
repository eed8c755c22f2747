"""The scheduler process: a relay that wakes workers, and APScheduler as a clock, in memory, without a store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from crm import services, zones
from crm.db import Database
from crm.jobs.dispatch import LOST_AFTER_S
from crm.jobs.sweep import SECOND_CRASH_PAUSE_S
from crm.logs import logger
from crm.settings import Settings
from crm.workers import clock
from crm.workers.heartbeat import Heartbeat, process_name
from crm.workers.main import broker_url, stop_event
from crm.workers.relay import Relay

TICK_S = 1.0
SWEEP_S = 5.0
MORNINGS_S = 60.0
FORGET_S = 3600.0
SWEEP_FILES_S = 3600.0
_log = logger(__name__)
__all__ = ["SchedulerProcess", "run_scheduler", "services"]


class SchedulerProcess:
    """Relay thread, clock and heartbeat of one scheduler; any number of them may run."""

    def __init__(
        self,
        settings: Settings,
        *,
        tick_s: float = TICK_S,
        sweep_s: float = SWEEP_S,
        lost_after_s: float = LOST_AFTER_S,
        crash_pause_s: float = SECOND_CRASH_PAUSE_S,
    ) -> None:
        zones.use_system_zone(settings.timezone)
        self._database = Database(settings.database, pool_size=5)
        self._heartbeat = Heartbeat(self._database, "scheduler")
        name = f"relay {process_name()}"
        self._relay = Relay(self._database, broker_url(settings), name=name, lost_after_s=lost_after_s)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._relay.run, args=(self._stop,), name="relay", daemon=True)
        self._clock = BackgroundScheduler(timezone=UTC)
        logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a round left out on a busy machine is no news
        self._every(tick_s, partial(clock.tick, self._database, zone=settings.timezone))
        self._every(sweep_s, partial(clock.look_after_workers, self._database, pause_s=crash_pause_s))
        self._every(sweep_s, partial(clock.tell_of_dead_jobs, self._database))
        self._every(MORNINGS_S, partial(clock.ask_for_mornings, self._database))
        self._every(FORGET_S, partial(clock.forget, self._database))
        self._every(SWEEP_FILES_S, partial(clock.ask_for_sweep, self._database))

    def start(self) -> None:
        self._heartbeat.start()
        self._thread.start()
        self._clock.start()
        _log.info("scheduler ready")

    def stop(self) -> None:
        self._stop.set()
        self._clock.shutdown(wait=True)
        self._thread.join()
        self._heartbeat.stop()
        self._database.dispose()
        _log.info("scheduler stopped")

    def _every(self, seconds: float, work: Callable[[], Any]) -> None:
        """Never two at once, never made up for: each round does all that is due."""
        options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._clock.add_job(_in_spite_of_outages(work), "interval", seconds=seconds, **options)


def _in_spite_of_outages(work: Callable[[], Any]) -> Callable[[], None]:
    def once() -> None:
        try:
            work()
        except SQLAlchemyError as error:
            _log.warning("the clock waits for the database", error=type(error).__name__)

    return once


def run_scheduler(settings: Settings) -> None:
    """Relay and clock until SIGTERM or SIGINT."""
    process = SchedulerProcess(settings)
    stop = stop_event()
    process.start()
    stop.wait()
    process.stop()
