"""Runs a set of processes until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby

from crm.supervisor.output import Console
from crm.supervisor.process import Child, Log, ProcessSpec


def run(processes: Sequence[ProcessSpec], *, on_ready: Callable[[], None] | None = None, log: Log | None = None) -> int:
    """Start in order, call `on_ready`, stop in reverse order at SIGINT, SIGTERM or SIGHUP.

    Returns the exit status: 0 after such a stop; 1 if a process did not become ready; a process that may not
    restart ends all with its own.
    """
    console = log or Console(spec.name for spec in processes)
    return asyncio.run(_Run(processes, console).run(on_ready))


class _Run:
    def __init__(self, processes: Sequence[ProcessSpec], log: Log) -> None:
        self._processes = sorted(processes, key=lambda spec: spec.order)
        self._log = log
        self._groups: list[list[Child]] = []
        self._stop = asyncio.Event()

    @property
    def _children(self) -> list[Child]:
        return [child for group in self._groups for child in group]

    async def run(self, on_ready: Callable[[], None] | None) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop)
        try:
            if not await self._start():
                return 0 if self._stop.is_set() else 1
            if on_ready:
                on_ready()
            await _first(self._stop.wait(), *(child.gone.wait() for child in self._children))
            return next((child.status for child in self._children if child.gone.is_set()), 0)
        finally:
            for group in reversed(self._groups):
                await asyncio.gather(*(child.stop() for child in group))

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            for child in self._children:
                child.kill()
        else:
            self._log("crm", "stopping; once more kills")
            self._stop.set()

    async def _start(self) -> bool:
        for _, specs in groupby(self._processes, key=lambda spec: spec.order):
            group = [Child(spec, self._log) for spec in specs]
            self._groups.append(group)
            if not all(await asyncio.gather(*(self._becomes_ready(child) for child in group))):
                return False
        return True

    async def _becomes_ready(self, child: Child) -> bool:
        spec = child.spec
        if spec.ready is None:
            return not self._stop.is_set()
        ready = asyncio.ensure_future(spec.ready())
        await _first(ready, child.died.wait(), self._stop.wait(), asyncio.sleep(spec.ready_limit_s))
        if self._stop.is_set():
            return False
        if child.died.is_set():
            self._log("crm", f"{spec.name} stopped before it was ready; its lines above say why")
            return False
        if ready.cancelled():
            self._log("crm", f"{spec.name} was not ready within {spec.ready_limit_s:g} s")
            return False
        ready.result()
        return True


async def _first(*waits: Awaitable[object]) -> None:
    """Return when one of them is done; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
