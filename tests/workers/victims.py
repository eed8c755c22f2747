"""Processes that end at a named step: forked from one that has everything loaded, as starting each anew costs seconds.

`python -m tests.workers.victims` reads an order a line, forks, and answers with the exit status.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import configure_mappers

from crm import logs
from crm.actor import system
from crm.db import Database
from crm.jobs import killpoints
from crm.models import Job
from crm.models.job import JobStatus
from crm.settings import Settings
from crm.workers.execution import execute
from crm.workers.heartbeat import Heartbeat
from crm.workers.main import WorkerProcess
from crm.workers.relay import Relay
from tests.workers.samples import SAMPLES

ROOT = Path(__file__).parents[2]
#: importing the worker's main loads the rules of every entity and every kind of job
__all__ = ["Victims", "WorkerProcess", "opened", "work_off"]


class Victims:
    """`status(settings, sample, step)` is how a process ended that asked for a sample and did it."""

    def __init__(self, parent: subprocess.Popen[str]) -> None:
        self._parent = parent

    def status(self, settings: Settings, sample: str, step: str) -> int:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        print(
            json.dumps({"settings": settings.model_dump(mode="json"), "sample": sample, "step": step}),
            file=self._parent.stdin,
            flush=True,
        )
        return int(self._parent.stdout.readline())


@contextmanager
def opened() -> Iterator[Victims]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ENV": "test"}
    command = [sys.executable, "-m", "tests.workers.victims"]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        yield Victims(parent)
        assert parent.stdin is not None
        parent.stdin.close()


def work_off(database: Database, settings: Settings) -> bool:
    """Wake and run what is due, in this thread; was there anything?"""
    Relay(database, settings.redis_url, name="relay", lost_after_s=-1).step()
    with database.engine().connect() as connection:
        woken = connection.scalars(select(Job.id).where(Job.status == JobStatus.DISPATCHED).order_by(Job.id)).all()
    heartbeat = Heartbeat(database, "worker")
    for number in woken:
        execute(database, settings, heartbeat, number, worker="test")
    return bool(woken)


# ---- the other side


def _serve() -> None:
    logs.configure(Settings(_env_file=None, env="test", log_level="error"))  # lines on stdout are answers
    configure_mappers()  # or every child does so anew, which takes three quarters of its life
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(json.loads(line))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def _run(order: dict[str, Any]) -> None:
    """Ask and work off, and never come back: what the parent has open is not the child's to close."""
    status = 1
    try:
        os.environ[killpoints.VARIABLE] = order["step"]
        settings = Settings(_env_file=None, **order["settings"])
        database = Database(settings.database)
        with database.transaction(system("test")) as session:
            SAMPLES[order["sample"]].ask(session, settings)
        killpoints.reach("after_commit")
        work_off(database, settings)
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    _serve()
