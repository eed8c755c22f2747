"""Questions that tell whether a process answers; each returns a callable that returns when it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

PAUSE_S = 0.05
ANSWER_LIMIT_S = 2.0


def port_open(host: str, port: int) -> Callable[[], Awaitable[None]]:
    """Somebody accepts connections there."""

    async def asks() -> bool:
        _, writer = await asyncio.open_connection(reachable(host), port)
        writer.close()
        return True

    return lambda: _until(asks)


def socket_pongs(path: Path) -> Callable[[], Awaitable[None]]:
    """A Valkey behind a Unix socket has loaded its data and takes commands."""

    async def asks() -> bool:
        reader, writer = await asyncio.open_unix_connection(path)
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"+PONG")
        finally:
            writer.close()

    return lambda: _until(asks)


def reachable(host: str) -> str:
    """Where a program on this machine finds a server that listens on every address."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


async def _until(asks: Callable[[], Awaitable[bool]]) -> None:
    while True:
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):  # wait_for of 3.11 can swallow a cancellation
                if await asks():
                    return
        except (OSError, TimeoutError):
            pass
        await asyncio.sleep(PAUSE_S)
