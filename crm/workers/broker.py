"""Dramatiq as the wake-up: messages hold a job's number and nothing else, and each may be lost or doubled."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, ShutdownNotifications, TimeLimit

from crm.cache import FETCH_TIMEOUT_S, SEND_TIMEOUT_S, client
from crm.jobs import QUEUES
from crm.jobs.dispatch import WakeUp
from crm.workers.registry import TIME_LIMIT_S, TIME_LIMITS_S

NAMESPACE = "crm"
STALE_AFTER_MS = 600_000
#: measured: with these a crashed worker's messages are seen again within 16 s; the defaults take up to 25 minutes
HEARTBEAT_TIMEOUT_MS = 15_000
MAINTENANCE_CHANCE = 1_000_000


class WakeUpBroker(RedisBroker):
    """Without delay queues: nothing here is ever sent for later, and each queue less is a poll less."""

    def declare_queue(self, queue_name: str) -> None:
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)


def sender(url: str) -> WakeUpBroker:
    """For the relay: sends, and never waits longer than a second."""
    return _broker(url, timeout_s=SEND_TIMEOUT_S, middleware=[])


def receiver(url: str, queues: Collection[str], run: Callable[[int], object]) -> WakeUpBroker:
    """For workers: one actor per queue, which calls `run(job number)`."""
    broker = _broker(
        url,
        timeout_s=FETCH_TIMEOUT_S,
        middleware=[
            AgeLimit(max_age=STALE_AFTER_MS),
            TimeLimit(),
            ShutdownNotifications(),
        ],
    )
    for queue in queues:
        limit_ms = TIME_LIMITS_S.get(queue, TIME_LIMIT_S) * 1000
        options: dict[str, Any] = {"queue_name": queue, "broker": broker, "time_limit": limit_ms}
        dramatiq.actor(actor_name=_actor(queue), **options)(_receives(run))
    broker.emit_after("process_boot")
    return broker


def _broker(url: str, *, timeout_s: float, middleware: list[Any]) -> WakeUpBroker:
    made: WakeUpBroker = WakeUpBroker(  # type: ignore[no-untyped-call]
        client=client(url, timeout_s=timeout_s),
        namespace=NAMESPACE,
        middleware=middleware,
        heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
        maintenance_chance=MAINTENANCE_CHANCE,
        dead_message_ttl=86_400_000,
    )
    return made


def _receives(run: Callable[[int], object]) -> Callable[[int], None]:
    def receive(job_id: int) -> None:
        run(job_id)

    return receive


def send(broker: WakeUpBroker, wake_up: WakeUp) -> None:
    """Raises redis.RedisError; the message may have been taken all the same."""
    queue = wake_up.queue if wake_up.queue in QUEUES else "default"
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=queue, actor_name=_actor(queue), args=(wake_up.job_id,), kwargs={}, options={}
    )
    broker.enqueue(message)


def _actor(queue: str) -> str:
    return f"run_{queue}"
