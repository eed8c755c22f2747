"""uvicorn, but for its end: whoever has connected by then is answered."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress

import uvicorn
from uvicorn.main import STARTUP_FAILURE  # type: ignore[attr-defined]

#: within which the request of a connection that was just made arrives
ARRIVAL_S = 0.2


class DrainingServer(uvicorn.Server):
    """Its end closes what listens, and every connection that has not asked for anything yet.

    A connection waits in the kernel until the loop takes it, and its request comes a moment later: both would meet a
    closed line, and a balancer that had chosen this process would have to tell its caller so.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.sleep(0)  # timers, such as the one that led here, come before connections
        for server in self.servers:
            server.close()
        await asyncio.sleep(ARRIVAL_S)
        await super().shutdown(sockets)


def run(config: uvicorn.Config) -> None:
    """Until it is told to stop; in this process alone."""
    config.load_app()
    server = DrainingServer(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
