"""`/metrics`: what Prometheus reads of jobs and processes; figures only, never a name."""

from __future__ import annotations

import hmac
from collections import Counter

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, ProcessCollector, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from crm import outages
from crm.actor import system
from crm.db import Database
from crm.services.job_console import Figures, figures
from crm.settings import LOOPBACK, Settings


def route(database: Database, settings: Settings) -> Route:
    """GET /metrics for whoever bears METRICS_TOKEN; without one, for this machine itself."""

    async def metrics(request: Request) -> Response:
        if not _may_read(request, settings.metrics_token):
            return PlainTextResponse("Not Found", 404)
        try:
            async with database.read_only_async(system("metrics")) as session:
                told = await session.run_sync(figures)
        except Exception as error:
            if (away := outages.unavailable(error)) is None:
                raise
            return PlainTextResponse(str(away), 503, headers={"retry-after": str(outages.RETRY_AFTER_S)})
        return Response(exposition(told), media_type=CONTENT_TYPE_LATEST, headers={"cache-control": "no-store"})

    return Route("/metrics", metrics)


def exposition(told: Figures) -> bytes:
    """The figures in Prometheus's text format; ages in seconds, counts of trouble end at 1,000."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    oldest = Gauge("crm_jobs_oldest_due_age_seconds", "Since the oldest waiting job became due.", registry=registry)
    oldest.set(told.oldest_due_age_s or 0.0)
    attention = Gauge("crm_jobs_attention", "Jobs somebody must look at.", ["reason"], registry=registry)
    for reason in ("dead", "uncertain", "late", "held"):
        attention.labels(reason).set(getattr(told, reason))
    queued = Gauge("crm_queue_jobs", "Jobs that are due or run, by queue.", ["queue", "state"], registry=registry)
    for queue in told.queues:
        queued.labels(queue.name, "waiting").set(queue.waiting)
        queued.labels(queue.name, "running").set(queue.running)
    finished = Gauge("crm_jobs_finished_last_hour", "Jobs that ended well within an hour.", registry=registry)
    finished.set(sum(told.finished))
    heard = Gauge("crm_processes_heard", "Processes that gave a sign of life.", ["role"], registry=registry)
    roles = Counter({process.role: 0 for process in told.processes})
    roles.update(process.role for process in told.processes if process.is_heard)
    for role, count in roles.items():
        heard.labels(role).set(count)
    return generate_latest(registry)


def _may_read(request: Request, token: str) -> bool:
    sent = request.headers.get("authorization", "")
    if token:
        return hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())
    # A proxy on this machine stands for clients elsewhere.
    forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    return request.client is not None and request.client.host in LOOPBACK and not forwarded
