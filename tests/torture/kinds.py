"""Kinds of jobs for tests of workers that are processes of their own."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sqlalchemy.orm import Session

from crm.jobs import lease as leases
from crm.models import Tag
from crm.workers.registry import job
from crm.workers.run import Run

LIMIT_S = 60.0


@job("test.note")
def note(session: Session, *, name: str) -> None:
    """Quick work that can be counted."""
    session.add(Tag(name=name))


@job("test.gate", own_steps=True)
def gate(run: Run, *, folder: str) -> None:
    """The first to come waits for the file `open`; whoever goes through leaves a tag with the folder and its pid."""
    first = not any(Path(folder).glob("came-*"))
    Path(folder, f"came-{os.getpid()}").touch()
    _wait_for(Path(folder, "open") if first else Path(folder))
    with run.transaction() as session:
        session.add(Tag(name=f"{Path(folder).name} by {os.getpid()}"))
        session.flush()
        run.end(session, leases.finish)


@job("test.long", own_steps=True)
def long(run: Run, *, folder: str) -> None:
    """Tells its progress until the file `open` is there."""
    Path(folder, f"came-{os.getpid()}").touch()
    steps = 0
    while not Path(folder, "open").exists():
        run.progress(steps := steps + 1, None, "Waiting")
        time.sleep(0.02)


@job("test.slow", queue="reports", own_steps=True)
def slow(_run: Run, *, folder: str) -> None:
    """A report that takes its time and tells nothing."""
    Path(folder, f"came-{os.getpid()}-{time.monotonic_ns()}").touch()
    _wait_for(Path(folder, "open"))


@job("test.poison")
def poison(_session: Session) -> None:
    """Takes its process with it."""
    os._exit(9)


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
