"""Taking turns at something of which there are only a few: connections."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Turns:
    """`async with turns:` for at most `size` at once, in the order in which they came; TimeoutError after `patience_s`.

    A pool's own queue lets those who have just come pass by those who wait.
    """

    def __init__(self, size: int, *, patience_s: float) -> None:
        self._free = asyncio.Semaphore(size)
        self._patience_s = patience_s

    async def __aenter__(self) -> None:
        if not self._free.locked():
            await self._free.acquire()  # does not suspend
            return
        async with asyncio.timeout(self._patience_s):
            await self._free.acquire()

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._free.release()
