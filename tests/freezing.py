"""Stopping a process in the middle of its work."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from crm.db import Database
from tests.waiting import until


def freeze(database: Database, pid: int) -> None:
    """The process stands still from here on; never while it holds SQLite's lock, which would stop everybody."""
    with database.engine().begin():
        os.kill(pid, signal.SIGSTOP)
        until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
