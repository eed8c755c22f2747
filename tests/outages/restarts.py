"""Processes are restarted one by one under load, killed in the middle of their work, or told to stop during it."""

from __future__ import annotations

import signal
import time

from tests.outages.installation import Installation
from tests.outages.load import phase, running
from tests.outages.scenarios import drain, kept
from tests.torture.crashing import Crashing

ROUNDS = 5
#: what it tells, and what is wrong with it
Report = tuple[str, list[str]]


def crash(server: Crashing, count: int) -> None:
    for _ in range(count):
        server.crash()
        time.sleep(0.5)


def roll(installation: Installation) -> Report:
    """A second web process takes over before the first goes, as behind a balancer; worker and scheduler follow."""
    with running(installation, installation.ports_in_turn) as load:
        began = time.monotonic()
        for _ in range(ROUNDS):
            for command in ("web", "worker", "scheduler"):
                old = next(name for name in installation.processes if name.startswith(command))
                new = f"{command} {2 if old.endswith('1') else 1}"
                installation.start(new)
                status = installation.stop(old)
                assert status in (0, -signal.SIGTERM), f"{old} ended with {status}"
        ended = time.monotonic()
    took_s = drain(installation) - ended
    seen, (lost, doubled) = phase(load.answers, began, ended), kept(installation, load)
    told = (
        f"{ROUNDS * 3} restarts in {ended - began:.0f} s: {seen.count} requests, {seen.wrong} failed, p99 "
        f"{seen.p99_ms:.0f} ms; {len(load.kept)} jobs, {lost} lost, {doubled} doubled, done {took_s:.1f} s after"
    )
    wrong = [f"answers {seen.statuses}"] if seen.statuses.keys() != {200} else []
    return told, wrong + ([f"{lost} lost, {doubled} doubled"] if lost or doubled else [])


def kill(installation: Installation) -> Report:
    """Worker and scheduler die again and again and are started again, as by the supervisor."""
    with running(installation) as load:
        time.sleep(2)
        for _ in range(ROUNDS):
            for command in ("worker", "scheduler"):
                name = next(name for name in installation.processes if name.startswith(command))
                installation.kill(name)
                installation.start(name)
                time.sleep(1)
        ended = time.monotonic()
    took_s = drain(installation) - ended
    lost, doubled = kept(installation, load)
    told = f"{ROUNDS * 2} kills: {len(load.kept)} jobs, {lost} lost, {doubled} doubled, done {took_s:.1f} s after"
    faults = [f"{lost} lost, {doubled} doubled"] if lost or doubled else []
    return told, faults + (["it took longer than lease and sweep"] if took_s > 75 else [])
