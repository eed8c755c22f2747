"""A wire between a client and a Unix socket that loses some of the replies: the server did it, nobody hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from tests.loops import serving

CHUNK = 65_536


class Proxy:
    """`loses` is the share of replies after which the line is cut instead; with `lingers`, a client whose server is
    gone has its last words, but no end of the line; `ends` counts the servers that went.
    """

    def __init__(self, target: Path, *, seed: int = 1) -> None:
        self.loses = 0.0
        self.lingers = False
        self.ends = 0
        self.lost = 0
        self._target, self._random = target, Random(seed)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                await self._between(reader, writer)
        finally:
            writer.close()

    async def _between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, out = await asyncio.open_unix_connection(self._target)
        tasks = [asyncio.create_task(self._ask(reader, out)), asyncio.create_task(self._reply(back, writer))]
        try:
            await asyncio.wait(tasks[: 1 if self.lingers else 2], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            out.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()

    async def _reply(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if self._random.random() < self.loses:
                    self.lost += 1
                    return
                writer.write(data)
                await writer.drain()
        self.ends += 1


@contextmanager
def between(target: Path, path: Path) -> Iterator[Proxy]:
    """Listens at `path`, in a thread of its own."""
    proxy = Proxy(target)

    async def begin() -> None:
        await asyncio.start_unix_server(proxy.serve, path)

    with serving(begin):
        yield proxy
