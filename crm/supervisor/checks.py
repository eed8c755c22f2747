"""What must be so before anything starts; each failure is a sentence that says what to do."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crm.errors import StartError

LEAST_FREE_MB = 100
LOCK = "crm.lock"


def prepare_folder(data_dir: Path) -> None:
    """Make `data_dir`, for its owner only, and see that it can be written and has room."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data_dir / f".probe-{os.getpid()}"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise StartError(
            "DATA_DIR %(path)s cannot be written (%(why)s); set DATA_DIR to a folder of yours",
            path=data_dir.absolute(),
            why=error.strerror,
        ) from None
    free_mb = shutil.disk_usage(data_dir).free // 2**20
    if free_mb < LEAST_FREE_MB:
        raise StartError(
            "DATA_DIR %(path)s has only %(free)d MB left; free %(least)d MB or set DATA_DIR to another disk",
            free=free_mb,
            path=data_dir.absolute(),
            least=LEAST_FREE_MB,
        )


@contextmanager
def only_one(data_dir: Path) -> Iterator[bool]:
    """Hold `data_dir`; yields whether its last holder was killed, so that children of it may still be stopping."""
    with (data_dir / LOCK).open("a+") as file:
        file.seek(0)
        holder = file.read().strip()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(
                "It is already running on DATA_DIR %(path)s (pid %(pid)s); stop it or set DATA_DIR",
                path=data_dir.absolute(),
                pid=holder or "unknown",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield bool(holder)
        finally:
            file.truncate(0)


def check_port(host: str, port: int, *, patience_s: float = 0.0) -> None:
    """See that `host` and `port` can be listened on, waiting up to `patience_s` while others hold the port."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            _listen(host, port)
        except OSError as error:
            if time.monotonic() >= deadline or error.errno != errno.EADDRINUSE:
                raise _sentence(host, port, error) from None
            time.sleep(0.1)
        else:
            return


def _listen(host: str, port: int) -> None:
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
            probe.listen(1)


def _sentence(host: str, port: int, error: OSError) -> StartError:
    if error.errno == errno.EADDRINUSE:
        return StartError(
            "PORT %(port)d on %(host)s is taken by another program; stop it or set PORT", port=port, host=host
        )
    if isinstance(error, PermissionError):
        return StartError("PORT %(port)d needs the rights of root; set PORT to 1024 or more", port=port)
    return StartError(
        "HOST %(host)s is no address of this machine (%(why)s); set HOST, e.g. to 127.0.0.1",
        host=host,
        why=error.strerror,
    )
