"""`/api/health` (the process is up) and `/api/ready` (what it needs answers)."""

from __future__ import annotations

import asyncio

from sqlalchemy import exc, literal, select

from crm.api.call import Call, Context
from crm.api.envelope import Answer, failure, success
from crm.api.routing import PUBLIC, Endpoint, Method
from crm.cache import answers
from crm.errors import Unavailable
from crm.jobs.presence import is_heard
from crm.outages import RETRY_AFTER_S
from crm.prepared import Prepared

_PATIENCE_S = 2.0
_ONE = select(literal(1))
_HEALTH = {"type": "object", "properties": {"status": {"type": "string"}}}


def routes() -> list[Endpoint]:
    return [
        Endpoint("/health", {"GET": Method(health, PUBLIC, "Is the process up?", data=_HEALTH, tag="System")}),
        Endpoint(
            "/ready",
            {"GET": Method(ready, PUBLIC, "Can it work?", data={"type": "object"}, errors=(503,), tag="System")},
        ),
    ]


async def health(_call: Call) -> Answer:
    """200 as long as the process serves requests, whatever else is down."""
    return success({"status": "ok"})


async def ready(call: Call) -> Answer:
    """200 if the database answers (and Redis, where one is set); else 503 that names what does not."""
    database, worker = await _database(call.context), "unknown"
    if database == "up":
        try:
            worker = await _worker(call.context)
        except exc.DBAPIError as error:
            database = "unmigrated" if _lacks_tables(error) else "down"
    found = {"database": database, "redis": await _redis(call.context.settings.broker), "worker": worker}
    if database != "up" or found["redis"] == "down":
        headers = [(b"retry-after", str(RETRY_AFTER_S).encode())]
        return failure(503, "Not ready", headers=headers, checks=found)
    return success({"status": "ready", "checks": found})


async def _database(context: Context) -> str:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await context.reader.fetch(Prepared(_ONE, context.reader.dialect), {})
    except (Unavailable, TimeoutError):
        return "down"
    return "up"


def _lacks_tables(error: exc.DBAPIError) -> bool:
    """Nobody has said `crm migrate` yet."""
    return isinstance(error, exc.ProgrammingError) or "no such table" in str(error.orig)


async def _worker(context: Context) -> str:
    """Told, but no reason to be unready: what workers do waits for them."""
    async with context.database.async_engine(write=False).connect() as connection:
        return "heard" if await connection.run_sync(is_heard, "worker") else "silent"


async def _redis(url: str) -> str:
    if not url:
        return "unset"
    return "up" if await asyncio.to_thread(answers, url) else "down"
