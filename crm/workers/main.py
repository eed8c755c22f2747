"""The worker process: threads that wait for wake-ups, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from dramatiq import Worker

from crm import services, zones
from crm.db import Database
from crm.errors import StartError
from crm.jobs.lease import HEARTBEAT_S, LEASE_S
from crm.logs import logger
from crm.settings import Settings
from crm.workers import jobs
from crm.workers.broker import WakeUpBroker, receiver
from crm.workers.execution import execute
from crm.workers.heartbeat import Heartbeat, process_name
from crm.workers.registry import KINDS

#: queue → threads of its own, so that neither a slow report nor a mail server that hangs delays a reminder
THREADS: Mapping[str, int] = {"default": 3, "mail": 3, "reports": 1, "ai": 1}
#: an idle worker asks for wake-ups at least this often; with the relay's pace it decides how soon a job begins
IDLE_POLL_MS = 60
STOP_LIMIT_MS = 20_000
SPARE_CONNECTIONS = 3
_log = logger(__name__)
#: imported for what they declare: the rules of every entity, and every kind of job
__all__ = ["WorkerProcess", "broker_url", "jobs", "run_worker", "services", "stop_event"]


@dataclass
class _Group:
    broker: WakeUpBroker
    worker: Worker


class WorkerProcess:
    """Threads, heartbeat and database of one worker; `start`, then `stop`."""

    def __init__(
        self,
        settings: Settings,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        lease_s: float = LEASE_S,
        threads: Mapping[str, int] = THREADS,
    ) -> None:
        zones.use_system_zone(settings.timezone)
        self._settings = settings
        self._database = Database(settings.database, pool_size=sum(threads.values()) + SPARE_CONNECTIONS)
        self._heartbeat = Heartbeat(self._database, "worker", every_s=heartbeat_s, lease_s=lease_s)
        self._groups = [self._group(queue, count) for queue, count in threads.items()]

    def start(self) -> None:
        self._heartbeat.start()
        for group in self._groups:
            group.worker.start()
        _log.info("worker ready", kinds=len(KINDS))

    def stop(self, *, limit_ms: int = STOP_LIMIT_MS) -> None:
        """Finish what is running, give back what does not end in time and what was only fetched."""
        self._heartbeat.ask_to_stop()
        stopping = [threading.Thread(target=group.worker.stop, args=(limit_ms,)) for group in self._groups]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        self._heartbeat.stop()
        for group in self._groups:
            group.broker.client.close()
        self._database.dispose()
        _log.info("worker stopped")

    def _group(self, queue: str, threads: int) -> _Group:
        broker = receiver(broker_url(self._settings), [queue], self._run)
        worker = Worker(broker, worker_timeout=IDLE_POLL_MS, worker_threads=threads)
        worker.queue_prefetch = threads
        return _Group(broker, worker)

    def _run(self, job_id: int) -> None:
        name = f"{process_name()}:{threading.get_ident()}"
        execute(self._database, self._settings, self._heartbeat, job_id, worker=name)


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    process = WorkerProcess(settings)
    stop = stop_event()
    process.start()
    stop.wait()
    process.stop()


def broker_url(settings: Settings) -> str:
    """Raises StartError with what to do if there is none."""
    if not settings.broker:
        raise StartError("Set REDIS_URL, or use `crm dev`, which starts a server of its own")
    return settings.broker


def stop_event() -> threading.Event:
    """Set by the first SIGTERM or SIGINT."""
    event = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: event.set())
    return event
