"""What the processes print: cut into lines, each with the name of its process before it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO

LONGEST_LINE = 64 * 1024
COLOURS = (36, 32, 35, 33, 34, 31)


class Output:
    """A pipe: a process writes into `inlet`, `emit` gets its lines.

    Leaving it reads what is there and no more: a stray grandchild that holds the pipe open holds up nobody.
    """

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._outlet, self.inlet = os.pipe()
        os.set_blocking(self._outlet, False)
        self._rest = b""
        self._open = True

    def __enter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._outlet, self._read)
        return self

    def started(self) -> None:
        """The process has its own copy of the inlet now; closing ours lets its end be seen."""
        os.close(self.inlet)
        self.inlet = -1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.inlet >= 0:
            self.started()
        while self._open and self._read():
            pass
        if self._rest:
            self._emit(_text(self._rest))
        asyncio.get_running_loop().remove_reader(self._outlet)
        os.close(self._outlet)

    def _read(self) -> bool:
        """Pass on one piece; False when there is none."""
        try:
            piece = os.read(self._outlet, LONGEST_LINE)
        except BlockingIOError:
            return False
        if not piece:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._outlet)
            return False
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) >= LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._emit(_text(line))
        return True


class Console:
    """Prints lines behind the name of their process, in colour on a terminal."""

    def __init__(self, names: Iterable[str], stream: TextIO = sys.stdout) -> None:
        every = ["crm", *names]
        self._width = max(map(len, every))
        self._stream = stream
        coloured = stream.isatty() and "NO_COLOR" not in os.environ
        self._colours = dict(zip(every, COLOURS * len(every), strict=False)) if coloured else {}

    def __call__(self, name: str, line: str) -> None:
        prefix = f"{name:<{self._width}} |"
        if colour := self._colours.get(name):
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        # The reader may have gone away (`| head`); that is no reason to stop.
        with suppress(OSError, ValueError):
            self._stream.write(f"{prefix} {line}\n")
            self._stream.flush()


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode(errors="replace")
