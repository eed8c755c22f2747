"""One supervised process: in a session of its own, restarted when it dies, stopped with its whole group."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from crm.supervisor.output import Output

Log = Callable[[str, str], None]

PR_SET_PDEATHSIG = 1
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 10.0
HEALTHY_AFTER_S = 30.0
LIBC = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run.

    `env` is added to the supervisor's own; `ready` returns when the process answers, and those of a higher
    `order` wait for it; `grace_s` is the time between SIGTERM and SIGKILL.  The end of a process that may not
    `restart` is the end of all.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], Awaitable[None]] | None = None
    restart: bool = True
    order: int = 0
    grace_s: float = 10.0
    ready_limit_s: float = 60.0
    hide: Sequence[str] = ()


class Child:
    """The life of one ProcessSpec, over all its restarts."""

    def __init__(self, spec: ProcessSpec, log: Log) -> None:
        self.spec = spec
        self.died = asyncio.Event()
        self.gone = asyncio.Event()
        self.status = 0
        self._log = log
        self._stop = asyncio.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._life = asyncio.create_task(self._live())

    async def stop(self) -> None:
        self._stop.set()
        await self._life

    def kill(self) -> None:
        """For who cannot wait: a second Ctrl-C."""
        self._stop.set()
        if self._process:
            _kill_group(self._process.pid)

    async def _live(self) -> None:
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            self.status = await self._run_once()
            if self._stop.is_set():
                return
            self.died.set()
            if not self.spec.restart:
                self._log("crm", f"{self.spec.name} {_ending(self.status)}")
                self.gone.set()
                return
            failures = 1 if time.monotonic() - began > HEALTHY_AFTER_S else failures + 1
            delay_s = min(FIRST_DELAY_S * 2 ** (failures - 1), LONGEST_DELAY_S)
            self._log("crm", f"{self.spec.name} {_ending(self.status)}; it starts again in {delay_s:g} s")
            with suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._stop.wait()

    async def _run_once(self) -> int:
        with Output(self._show) as output:
            try:
                process = self._process = self._spawn(output.inlet)
            except OSError as error:
                self._log(self.spec.name, f"{self.spec.argv[0]}: {error.strerror}")
                return 127
            output.started()
            exited = asyncio.create_task(_exit_of(process.pid))
            stop = asyncio.create_task(self._stop.wait())
            await asyncio.wait({exited, stop}, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            if not exited.done():
                await self._end(process, exited)
            # Its own children too: a killed worker's forks must not work on beside the new ones.  It is not
            # reaped yet, so nobody else can have its number.
            _kill_group(process.pid)
            self._process = None
            return process.wait()

    def _show(self, line: str) -> None:
        if not any(words in line for words in self.spec.hide):
            self._log(self.spec.name, line)

    async def _end(self, process: subprocess.Popen[bytes], exited: asyncio.Task[None]) -> None:
        process.terminate()
        done, _ = await asyncio.wait({exited}, timeout=self.spec.grace_s)
        if not done:
            self._log("crm", f"{self.spec.name} did not stop within {self.spec.grace_s:g} s and is killed")
            _kill_group(process.pid)
            await exited

    def _spawn(self, inlet: int) -> subprocess.Popen[bytes]:
        """A session of its own keeps the terminal's Ctrl-C from it: the supervisor says when to stop."""
        return subprocess.Popen(
            self.spec.argv,
            env={**os.environ, **self.spec.env},
            stdin=subprocess.DEVNULL,
            stdout=inlet,
            stderr=inlet,
            start_new_session=True,
            preexec_fn=_dies_with(os.getpid()),
        )


def _dies_with(supervisor: int) -> Callable[[], None]:
    """Even a supervisor killed with -9 leaves no orphan; safe after fork, as the supervisor has no threads."""

    def ask_kernel() -> None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != supervisor:  # it died in between
            os._exit(1)

    return ask_kernel


async def _exit_of(pid: int) -> None:
    """Wait for the end without reaping."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    handle = os.pidfd_open(pid)
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _ending(status: int) -> str:
    if status >= 0:
        return f"stopped with exit status {status}"
    return f"was killed by {signal.Signals(-status).name}"
