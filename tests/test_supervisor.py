"""The supervisor of `crm dev`, with real processes really killed; long, as each test is a whole story."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from crm.errors import StartError
from crm.supervisor import checks, valkey
from tests import servers

ROOT = Path(__file__).parents[1]
LIMIT_S = 30.0

# Runs what it is told on standard input; the pids appear in the children's lines.
SUPERVISOR = """
import json, sys
from functools import partial
from pathlib import Path
from crm.supervisor import ProcessSpec, run
from crm.supervisor.ready import socket_pongs
specs = [ProcessSpec(**{"argv": [sys.executable, "-c", one.pop("code")], **one}) for one in json.load(sys.stdin)]
sys.exit(run(specs, on_ready=lambda: print("all ready", flush=True)))
"""
SERVES = """
import os, signal, sys
def leave(*_):
    print("leaves", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
os.write(1, f"pid {os.getpid()}\\n".encode())
while True:
    signal.pause()
"""
IGNORES_TERM = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = os.fork()
os.write(1, f"{'pid' if grandchild else 'grandchild'} {os.getpid()}\\n".encode())
signal.alarm(120)  # should the test fail to end it
while True:
    signal.pause()
"""


class Run:
    """A supervisor under test and the lines that it printed."""

    def __init__(self, *specs: dict[str, object]) -> None:
        self.lines: list[str] = []
        self._rest = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        )
        assert self.process.stdin
        self.process.stdin.write(json.dumps(specs).encode())
        self.process.stdin.close()

    def until(self, *words: str) -> str:
        """The first line, from the first one printed on, that holds all `words`."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            for line in self.lines:
                if all(word in line for word in words):
                    return line
            assert self._read(deadline), f"no line with {words} in {self.lines}"

    def pid(self, name: str, kind: str = "pid") -> int:
        return int(self.until(name, f"| {kind} ").split()[-1])

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and give the exit status; `lines` is complete then."""
        self.process.send_signal(number)
        deadline = time.monotonic() + LIMIT_S
        while self._read(deadline):
            pass
        return self.process.wait(LIMIT_S)

    def _read(self, deadline: float) -> bool:
        assert self.process.stdout
        if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            return False
        piece = os.read(self.process.stdout.fileno(), 65536)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        self.lines += [line.decode() for line in lines]
        return bool(piece)


@pytest.fixture
def supervise() -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def start(*specs: dict[str, object]) -> Run:
        runs.append(Run(*specs))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait()
        if run.process.stdout:
            run.process.stdout.close()


Start = Callable[..., Run]


def test_a_killed_process_starts_again(supervise: Start) -> None:
    run = supervise({"name": "web", "code": SERVES})
    first = run.pid("web")
    run.lines.clear()
    os.kill(first, signal.SIGKILL)
    run.until("web was killed by SIGKILL; it starts again in 0.5 s")
    assert run.pid("web") != first
    assert run.end() == 0


def test_one_that_keeps_dying_waits_longer_each_time(supervise: Start) -> None:
    run = supervise({"name": "web", "code": "print('oops'); raise SystemExit(3)"})
    run.until("web stopped with exit status 3; it starts again in 0.5 s")
    run.until("web stopped with exit status 3; it starts again in 1 s")
    assert run.end() == 0  # at once, not after the pause


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_all_stop_in_reverse_order(supervise: Start, number: int) -> None:
    names = ["broker", "web", "worker"]
    run = supervise(*({"name": name, "code": SERVES, "order": order} for order, name in enumerate(names)))
    pids = [run.pid(name) for name in names]
    assert run.end(number) == 0
    assert [line.split()[0] for line in run.lines if line.endswith("leaves")] == names[::-1]
    assert all(servers.wait_gone(pid) for pid in pids)


def test_one_that_will_not_stop_is_killed_with_its_children(supervise: Start) -> None:
    run = supervise({"name": "worker", "code": IGNORES_TERM, "grace_s": 0.2})
    pids = [run.pid("worker"), run.pid("worker", "grandchild")]
    assert run.end() == 0
    run.until("worker did not stop within 0.2 s and is killed")
    assert all(servers.wait_gone(pid) for pid in pids)


def test_a_second_signal_kills(supervise: Start) -> None:
    run = supervise({"name": "worker", "code": IGNORES_TERM, "grace_s": 600})
    run.pid("worker", "grandchild")
    run.process.send_signal(signal.SIGINT)
    run.until("once more kills")
    assert run.end(signal.SIGINT) == 0


def test_a_killed_process_leaves_no_child_to_work_on(supervise: Start) -> None:
    run = supervise({"name": "worker", "code": IGNORES_TERM, "grace_s": 0.2})
    grandchild = run.pid("worker", "grandchild")
    os.kill(run.pid("worker"), signal.SIGKILL)
    assert servers.wait_gone(grandchild)
    assert run.end() == 0


def test_a_killed_supervisor_leaves_no_orphan(supervise: Start) -> None:
    run = supervise({"name": "web", "code": SERVES}, {"name": "worker", "code": SERVES})
    pids = [run.pid("web"), run.pid("worker")]
    run.process.kill()
    assert all(servers.wait_gone(pid) for pid in pids)


def test_the_end_of_one_that_may_not_restart_is_the_end_of_all(supervise: Start) -> None:
    run = supervise(
        {"name": "web", "code": SERVES},
        {"name": "once", "code": "raise SystemExit(7)", "restart": False, "order": 1},
    )
    assert run.process.wait(LIMIT_S) == 7


def test_a_missing_program_is_said(supervise: Start) -> None:
    run = supervise({"name": "web", "code": "", "argv": ["/nowhere/at/all"]})
    run.until("web", "/nowhere/at/all: No such file or directory")
    assert run.end() == 0


def test_long_lines_and_half_lines_come_through(supervise: Start) -> None:
    code = "import sys; sys.stdout.write('#' * 300_000 + '\\nlast without end'); sys.stdout.flush()"
    run = supervise({"name": "web", "code": code, "restart": False})
    run.until("last without end")
    assert sum(line.count("#") for line in run.lines) == 300_000
    assert run.process.wait(LIMIT_S) == 0


def test_a_process_that_never_answers_ends_the_start(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from crm.supervisor import ProcessSpec, run
from crm.supervisor.ready import socket_pongs
ready = socket_pongs(Path({str(tmp_path / "nobody.sock")!r}))
sleeps = [sys.executable, "-c", "import signal; signal.pause()"]
sys.exit(run([ProcessSpec("broker", sleeps, ready=ready, ready_limit_s=0.3)], on_ready=lambda: print("ready")))
"""
    end = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=LIMIT_S)
    assert end.returncode == 1
    assert "broker was not ready within 0.3 s" in end.stdout


EMBEDDED = """
import sys
from pathlib import Path
from crm.supervisor import run, valkey
process, url = valkey.embedded(Path(sys.argv[1]))
run([process], on_ready=lambda: print(url, flush=True))
"""


def test_the_embedded_valkey_survives_the_kill_of_its_supervisor(tmp_path: Path) -> None:
    """Its orphan is ended, the stale socket cleaned, and what was written is there again."""
    for turn in range(3):
        with subprocess.Popen([sys.executable, "-c", EMBEDDED, tmp_path], stdout=subprocess.PIPE, cwd=ROOT) as run:
            try:
                assert run.stdout
                with redis.Redis.from_url(run.stdout.readline().decode().strip(), decode_responses=True) as client:
                    assert client.get("turn") == (str(turn - 1) if turn else None)
                    client.set("turn", turn)
            finally:
                run.kill()


def test_the_embedded_valkey_has_no_port_and_loses_nothing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", EMBEDDED, tmp_path], stdout=subprocess.PIPE, cwd=ROOT) as run:
        try:
            assert run.stdout
            with redis.Redis.from_url(run.stdout.readline().decode().strip(), decode_responses=True) as client:
                kept = {name: client.config_get(name)[name] for name in ("port", "appendfsync", "maxmemory-policy")}
            assert kept == {"port": "0", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}
        finally:
            run.terminate()
    assert not valkey.socket_path(tmp_path).exists()


def test_a_deep_data_folder_gets_a_short_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    deep = tmp_path / ("x" * 120)
    assert len(str(valkey.socket_path(deep))) < len(str(deep))
    assert valkey.socket_path(deep) == valkey.socket_path(deep)
    assert valkey.socket_path(deep) != valkey.socket_path(deep / "other")


def test_a_taken_port_is_said_in_a_sentence() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"PORT {port} on 127.0.0.1 is taken by another program.*set PORT"):
            checks.check_port("127.0.0.1", port)
    checks.check_port("127.0.0.1", port)


def test_a_foreign_host_is_said_in_a_sentence() -> None:
    with pytest.raises(StartError, match=r"HOST 192\.0\.2\.1 is no address of this machine"):
        checks.check_port("192.0.2.1", 3001)


def test_two_cannot_hold_one_data_folder(tmp_path: Path) -> None:
    with (
        checks.only_one(tmp_path) as unclean,
        pytest.raises(
            StartError, match=rf"already running on DATA_DIR .* \(pid {os.getpid()}\); stop it or set DATA_DIR"
        ),
        checks.only_one(tmp_path),
    ):
        pass
    assert unclean is False
    (tmp_path / checks.LOCK).write_text("12345")  # as a killed one leaves it
    with checks.only_one(tmp_path) as unclean:
        assert unclean is True


def test_a_data_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StartError, match=r"cannot be written .*; set DATA_DIR to a folder of yours"):
        checks.prepare_folder(tmp_path / "file" / "data")


def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "LEAST_FREE_MB", 10**9)
    with pytest.raises(StartError, match=r"has only .* MB left; free .* MB or set DATA_DIR to another disk"):
        checks.prepare_folder(tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
