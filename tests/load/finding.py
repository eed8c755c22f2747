"""How long the global search takes at that size, from the session's begin to its end, by kind of word."""

from __future__ import annotations

import asyncio
import statistics
import time

from rich.console import Console

from crm.actor import Actor, Scope
from crm.db import Database
from crm.services.search import search

GOAL_MS = 20
WORDS = {
    "a name": "weber",
    "two names": "anna weber",
    "two characters": "上海",
    "a letter": "a",
    "a word that all have": "example",
    "a number": "030 90",
    "nothing": "nosuchword",
}
_GRANTS = {f"view_{name}": Scope.ALL for name in ("customers", "contacts", "opportunities", "tasks", "attachments")}


def measure(database: Database, console: Console, *, times: int = 200) -> None:
    """Print p50 and p99 in ms, one searcher at a time."""
    found = asyncio.run(_all(database, times))
    for name, spent in found.items():
        p50, p99 = statistics.median(spent), sorted(spent)[int(len(spent) * 0.99)]
        reached = "✓" if p50 < GOAL_MS else "✗"
        console.print(f"global search, {name}: p50 {p50:.1f} ms {reached}, p99 {p99:.1f} ms", highlight=False)


async def _all(database: Database, times: int) -> dict[str, list[float]]:
    actor = Actor(1, "load", _GRANTS)
    found = {name: [await _one(database, actor, word) for _ in range(times)] for name, word in WORDS.items()}
    await database.dispose_async()
    return found


async def _one(database: Database, actor: Actor, word: str) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    async with database.read_only_async(actor) as session:
        await session.run_sync(search, word)
    return (time.perf_counter() - began) * 1000
