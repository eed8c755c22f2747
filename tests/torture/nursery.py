"""Forks the processes of a run from one that has everything loaded: a start costs milliseconds, so kills hit work.

`python -m tests.torture.nursery` reads an order a line and answers with the pid.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy.orm import configure_mappers

from crm.settings import Settings
from tests.torture.roles import Pace, play

ROOT = Path(__file__).parents[2]
PR_SET_PDEATHSIG = 1


class Nursery:
    """The processes of a run by their names."""

    def __init__(self, parent: subprocess.Popen[str]) -> None:
        self._parent = parent
        self._order: dict[str, Any] = {}
        self.pids: dict[str, int] = {}

    def use(self, settings: Settings, pace: Pace) -> None:
        """For all that start from now on."""
        self._order = {"settings": settings.model_dump(mode="json"), "pace": asdict(pace)}

    def start(self, *names: str) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        for name in names:
            self._parent.stdin.write(json.dumps({**self._order, "name": name}) + "\n")
            self._parent.stdin.flush()
            self.pids[name] = int(self._parent.stdout.readline())

    def signal(self, name: str, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pids[name], number)

    def is_gone(self, name: str) -> bool:
        return not Path(f"/proc/{self.pids[name]}").exists()

    def kill(self, name: str) -> None:
        """As a power cut would, and started again as a supervisor would."""
        self.signal(name, signal.SIGKILL)
        self.start(name)

    def close(self) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.close()

    def kill_all(self) -> None:
        for name in self.pids:
            self.signal(name, signal.SIGKILL)
        self.pids.clear()


@contextmanager
def opened(output: Path) -> Iterator[Nursery]:
    """`output` gets what the processes say."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ENV": "test"}
    command = [sys.executable, "-m", "tests.torture.nursery"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with output.open("ab") as log, subprocess.Popen(command, cwd=ROOT, env=env, stderr=log, **pipes) as parent:
        nursery = Nursery(parent)
        yield nursery
        nursery.close()


def _serve() -> None:
    """What every child would do first is done once: mappers, and no collector that walks through what is shared."""
    configure_mappers()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps them
    for line in sys.stdin:
        order = json.loads(line)
        if not (child := os.fork()):
            _play(order)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


def _play(order: Mapping[str, Any]) -> None:
    status = 1
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(2, 1)
        play(order["name"], Settings(_env_file=None, **order["settings"]), Pace(**order["pace"]))
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    _serve()
