"""Jobs per second through table, relay and lease, against Dramatiq alone: the same worker, 8 threads, an empty job.

`python -m tests.load.jobs` runs it by itself; `bare N` and `worker` are its child processes.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import redis
from dramatiq import Worker
from rich.console import Console
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from crm import logs
from crm.actor import system
from crm.db import Database
from crm.jobs import enqueue
from crm.jobs.dispatch import WakeUp
from crm.jobs.presence import is_heard
from crm.migrations.run import upgrade
from crm.models import Job
from crm.models.job import JobStatus
from crm.settings import Settings, load
from crm.workers import broker
from crm.workers.main import IDLE_POLL_MS, WorkerProcess, stop_event
from crm.workers.registry import job
from tests import servers

THREADS = 8
RATIO_GOAL = 0.15
START_GOAL_MS = 150.0
LIMIT_S = 300.0
SECRET = "a secret of 32 bytes for benchmarks only"
ME = [sys.executable, "-m", "tests.load.jobs"]


@job("test.empty")
def empty(_session: Session) -> None:
    """Does nothing."""


def measure(database: Database, environment: dict[str, str], console: Console, *, count: int, rounds: int) -> None:
    """Rounds of both in turns, then how long a single job waits; prints figures and whether they reach the goals."""
    found: list[tuple[float, float]] = []
    for _ in range(rounds):
        found.append((_ours(database, environment, count), _bare(environment["REDIS_URL"], count)))
        console.print(f"jobs: {found[-1][0]:,.0f} /s, Dramatiq alone {found[-1][1]:,.0f} /s", highlight=False)
    ratio = statistics.median(ours / bare for ours, bare in found)
    console.print(f"jobs: ratio {ratio:.2f}, goal {RATIO_GOAL} {_tick(ratio >= RATIO_GOAL)}", highlight=False)
    waits = _waits_ms(database, environment)
    p50, p95 = statistics.median(waits), statistics.quantiles(waits, n=20)[-1]
    reached = _tick(p50 < START_GOAL_MS)
    line = f"commit → start of the job: p50 {p50:.0f} ms, p95 {p95:.0f} ms, goal p50 {START_GOAL_MS:.0f} ms {reached}"
    console.print(line, highlight=False)


def _tick(reached: bool) -> str:
    return "✓" if reached else "✗"


def _ours(database: Database, environment: dict[str, str], count: int) -> float:
    """Jobs that wait in the table, from the first start to the last end."""
    _clean(database, environment)
    _ask(database, count)
    with _running([*ME, "worker"], environment):
        _until(lambda: _heard(database))
        with _running([sys.executable, "-m", "crm.cli", "scheduler"], environment):
            _until(lambda: _ended(database) == count)
    with database.engine().connect() as connection:
        first, last = connection.execute(select(func.min(Job.started_at), func.max(Job.finished_at))).one()
    assert first is not None
    assert last is not None
    return float(count / (last - first).total_seconds())


def _bare(redis_url: str, count: int) -> float:
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    sender = broker.sender(redis_url)
    for number in range(count):
        broker.send(sender, WakeUp(number, "default"))
    done = subprocess.run([*ME, "bare", redis_url, str(count)], capture_output=True, text=True, check=True)
    return count / float(done.stdout)


def _waits_ms(database: Database, environment: dict[str, str], count: int = 60) -> list[float]:
    """One job at a time, with both processes at rest before it: from its commit to its start."""
    _clean(database, environment)
    waits = []
    with (
        _running([*ME, "worker"], environment),
        _running([sys.executable, "-m", "crm.cli", "scheduler"], environment),
    ):
        _until(lambda: _heard(database))
        for number in range(count):
            time.sleep(0.15 + number % 7 * 0.013)
            _ask(database, 1, first=number)
            committed = time.time()
            _until(partial(_is_ended, database, number))
            with database.engine().connect() as connection:
                started = connection.scalar(select(Job.started_at).where(Job.dedupe_key == str(number)))
            assert started is not None
            waits.append((started.timestamp() - committed) * 1000)
    return waits[5:]


def _clean(database: Database, environment: dict[str, str]) -> None:
    with database.engine().begin() as connection:
        connection.execute(text("TRUNCATE job, job_event, process_heartbeat CASCADE"))
    with redis.Redis.from_url(environment["REDIS_URL"]) as client:
        client.flushdb()


def _ask(database: Database, count: int, *, first: int = 0) -> None:
    with database.transaction(system("load")) as session:
        for number in range(first, first + count):
            enqueue(session, "test.empty", key=str(number))


def _ended(database: Database) -> int:
    with database.engine().connect() as connection:
        return connection.scalar(select(func.count()).where(Job.status == JobStatus.SUCCEEDED)) or 0


def _is_ended(database: Database, number: int) -> bool:
    return _ended(database) > number


def _heard(database: Database) -> bool:
    with database.engine().connect() as connection:
        return is_heard(connection, "worker")


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("the jobs did not end in time")
        time.sleep(0.02)


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


# ---- child processes


def _work() -> None:
    settings = load()
    logs.configure(settings)
    process = WorkerProcess(settings, threads={"default": THREADS})
    stop = stop_event()
    process.start()
    stop.wait()
    process.stop()


def _work_bare(url: str, count: int) -> None:
    """Prints the seconds from the first job to the last."""
    numbers, ended = itertools.count(1), threading.Event()
    began: list[float] = []

    def run(_number: int) -> None:
        if not began:
            began.append(time.perf_counter())
        if next(numbers) == count:
            ended.set()

    worker = Worker(broker.receiver(url, ["default"], run), worker_timeout=IDLE_POLL_MS, worker_threads=THREADS)
    worker.queue_prefetch = THREADS
    worker.start()
    ended.wait(LIMIT_S)
    print(time.perf_counter() - began[0])
    worker.stop(1000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.load.jobs", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=3_000, help="jobs of one round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each")
    options = parser.parse_args()
    run = servers.new_run()
    try:
        url = servers.postgresql(run, os.getpid()) % "postgres"
        address = f"unix://{servers.valkey(run, os.getpid())}?db=0"
        Settings(_env_file=None, env="test", data_dir=run, database_url=url, jwt_secret=SECRET)
        database = Database(url)
        upgrade(database)
        environment = {"ENV": "development", "DATABASE_URL": url, "REDIS_URL": address, "JWT_SECRET": SECRET}
        environment |= {"DATA_DIR": str(run), "LOG_LEVEL": "info", "PYTHONPATH": str(Path.cwd())}
        measure(database, environment, Console(width=120), count=options.jobs, rounds=options.rounds)
        database.dispose()
    finally:
        servers.stop_all(run)
        shutil.rmtree(run, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        _work_bare(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1:2] == ["worker"]:
        _work()
    else:
        main()
