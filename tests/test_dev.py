"""`crm dev`: the whole product as `make run` starts it, killed and stopped."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests import servers
from tests.waiting import until

ROOT = Path(__file__).parents[1]
START_LIMIT_S = 90.0


class Started:
    """A running `crm dev` on a free port, with what it printed and the processes it started."""

    def __init__(self, folder: Path) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self._output = folder / f"{self.port}.log"
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "BCRYPT_COST": "4", "PORT": str(self.port)}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "crm.cli", "dev", "--no-demo"],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def printed(self) -> str:
        return self._output.read_text()

    def wait_for(self, words: str) -> None:
        until(lambda: words in self.printed or self.process.poll() is not None, limit_s=START_LIMIT_S)
        assert words in self.printed, self.printed

    def children(self) -> dict[str, int]:
        """Process numbers by the name of the command: web, worker, scheduler, valkey."""
        found = {}
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in map(int, listed):
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            if "valkey-server" in words[0]:
                found["valkey"] = pid
            elif len(words) > 3:  # fewer: it has just been born, or died
                found[words[3]] = pid
        return found

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    run = Started(tmp_path)
    yield run
    if run.process.poll() is None:
        run.process.terminate()
    run.process.wait(60)


def test_it_starts_everything_survives_a_killed_part_and_stops_clean(started: Started, tmp_path: Path) -> None:
    started.wait_for("Ctrl-C stops it.")
    assert f"http://127.0.0.1:{started.port}/admin" in started.printed
    assert "Login  admin / admin123" in started.printed
    assert started.answers()
    before = started.children()
    assert set(before) == {"valkey", "web", "worker", "scheduler"}

    for name in ("web", "valkey"):
        os.kill(before[name], signal.SIGKILL)
        started.wait_for(f"{name} was killed by SIGKILL; it starts again in 0.5 s")
    until(lambda: set(started.children()) == set(before) and started.answers(), limit_s=START_LIMIT_S)
    after = started.children()
    assert (after["worker"], after["scheduler"]) == (before["worker"], before["scheduler"])

    started.process.send_signal(signal.SIGINT)
    assert started.process.wait(60) == 0, started.printed
    assert all(servers.wait_gone(pid) for pid in after.values())
    assert "did not stop within" not in started.printed
    assert "Traceback" not in started.printed
    assert not (tmp_path / "data" / "valkey.sock").exists()


def test_it_starts_again_after_it_was_killed(started: Started, tmp_path: Path) -> None:
    started.wait_for("Ctrl-C stops it.")
    started.process.kill()
    started.process.wait()
    again = Started(tmp_path)
    try:
        again.wait_for("Ctrl-C stops it.")
        assert re.search(r"already running|taken", again.printed) is None
    finally:
        again.process.terminate()
        assert again.process.wait(60) == 0
