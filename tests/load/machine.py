"""The servers that are measured: started on a core of their own, their CPU time read from /proc."""

from __future__ import annotations

import http.client
import os
import platform
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

START_LIMIT_S = 60.0
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    port: int
    pid: int

    def cpu_s(self) -> float:
        """Seconds of CPU, its own and the kernel's for it, that the process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_S

    def get(self, path: str, token: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body


def cores() -> tuple[set[int], set[int]]:
    """(cores of the server that is measured, cores of all else); the same one where there is but one."""
    allowed = sorted(os.sched_getaffinity(0))
    return ({allowed[0]}, set(allowed[1:])) if len(allowed) > 1 else (set(allowed), set(allowed))


@contextmanager
def running(name: str, arguments: list[str], environment: Mapping[str, str], core: set[int]) -> Iterator[Server]:
    """A server on a free port, given to it as PORT and in place of `{port}`; stopped at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, *(argument.format(port=port) for argument in arguments)],
        env={**os.environ, **environment, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.sched_setaffinity(process.pid, core)
    try:
        _await_port(process, name, port)
        for thread in os.listdir(f"/proc/{process.pid}/task"):
            os.sched_setaffinity(int(thread), core)
        yield Server(name, port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(process: subprocess.Popen[bytes], name: str, port: int) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{name} did not start; run it by hand to see why") from None
            time.sleep(0.05)


def description() -> list[str]:
    """Python with its build, the machine, and the versions that count."""
    libraries = ("uvicorn", "starlette", "sqlalchemy", "asyncpg", "orjson", "uvloop", "httptools")
    return [
        f"Python {platform.python_version()} ({' '.join(platform.python_build())}), {_build()}",
        f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start",
        ", ".join(f"{name} {version(name)}" for name in libraries),
    ]


def _build() -> str:
    """Whether the interpreter was optimised by a profile: 1.6 to 2 times the speed."""
    flags = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    if "--enable-optimizations" in flags:
        return "built with profile-guided optimisation"
    if Path(sys.executable).resolve().parent == Path("/usr/bin"):
        return "the distribution's build (Debian's and Ubuntu's are profile-guided)"
    return "built WITHOUT profile-guided optimisation, which costs a factor of 1.6 to 2"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
