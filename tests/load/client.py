"""The load: keep-alive connections that each send a request, await the answer, and send the next.

A process of its own: `python -m tests.load.client` reads a plan from standard input (host, port, connections,
seconds, requests as base64) and prints {count, seconds, wrong, p50_ms, p99_ms}.  Every connection walks through the
requests from a place of its own.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from collections.abc import Sequence
from typing import cast

import uvloop

OK = b"HTTP/1.1 200"


class Connection(asyncio.Protocol):
    """One connection; `times` are seconds a request took, `wrong` counts answers other than 200."""

    def __init__(self, requests: Sequence[bytes], place: int, until: float) -> None:
        self.requests, self.place, self.until = requests, place, until
        self.times: list[float] = []
        self.wrong = 0
        self.first_wrong = b""
        self.over = asyncio.get_running_loop().create_future()
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._send()

    def data_received(self, data: bytes) -> None:
        self.buffer = self.buffer + data if self.buffer else data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        place = head.find(b"content-length:") + 15
        length = int(head[place : head.find(b"\r\n", place)] if b"\r\n" in head[place:] else head[place:])
        if len(self.buffer) < end + 4 + length:
            return
        self._answered()

    def _answered(self) -> None:
        moment = time.perf_counter()
        self.times.append(moment - self.sent)
        if not self.buffer.startswith(OK):
            self.wrong += 1
            self.first_wrong = self.first_wrong or self.buffer[:500]
        self.buffer = b""
        if moment < self.until:
            self._send()
        else:
            self.transport.close()

    def _send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(self.requests[self.place % len(self.requests)])
        self.place += 1

    def connection_lost(self, error: Exception | None) -> None:
        if time.perf_counter() < self.until:
            self.wrong += 1
            self.first_wrong = self.first_wrong or b"the connection was closed"
        if not self.over.done():
            self.over.set_result(None)


async def drive(host: str, port: int, requests: Sequence[bytes], connections: int, seconds: float) -> dict[str, object]:
    """Send for `seconds` over `connections`, then let the last answers arrive."""
    loop, started = asyncio.get_running_loop(), time.perf_counter()
    step = max(1, len(requests) // connections)
    made = [Connection(requests, i * step, started + seconds) for i in range(connections)]
    for connection in made:
        await loop.create_connection(lambda c=connection: c, host, port)  # type: ignore[misc]
    await asyncio.gather(*(connection.over for connection in made))
    took = time.perf_counter() - started
    times = sorted(t for connection in made for t in connection.times)
    return {
        "count": len(times),
        "seconds": took,
        "wrong": sum(connection.wrong for connection in made),
        "first_wrong": next((c.first_wrong.decode(errors="replace") for c in made if c.first_wrong), ""),
        "p50_ms": times[len(times) // 2] * 1000 if times else 0.0,
        "p99_ms": times[len(times) * 99 // 100] * 1000 if times else 0.0,
    }


def main() -> None:
    plan = json.load(sys.stdin)
    requests = [base64.b64decode(request) for request in plan["requests"]]
    uvloop.install()
    result = asyncio.run(drive(plan["host"], plan["port"], requests, plan["connections"], plan["seconds"]))
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
