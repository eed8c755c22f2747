"""`make bench`: our web process against a hand-written one, on one PostgreSQL, in turns, as ratios.

Needs a machine that does nothing else; with other load the requests per second sink for both, and the CPU per
request, which is measured of the server alone, stays the better figure.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table
from sqlalchemy import select, text

from crm.actor import system
from crm.db import Database
from crm.migrations.run import upgrade
from crm.models import User
from crm.services import tokens
from crm.settings import Settings
from seeds import demo, initial
from seeds.progress import shown
from tests import servers
from tests.load import finding, jobs, machine, work

SECRET = "a secret of 32 bytes for benchmarks only"
console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Round:
    """One server under one kind of load, for some seconds."""

    per_second: float
    cpu_us: float
    p99_ms: float


def main() -> None:
    options = _options()
    ours, rest = machine.cores()
    os.sched_setaffinity(0, rest)
    for line in machine.description():
        console.print(line, highlight=False)
    run = servers.new_run()
    try:
        url = servers.postgresql(run, os.getpid()) % "postgres"
        settings = Settings(
            _env_file=None, env="test", data_dir=run, database_url=url, jwt_secret=SECRET, bcrypt_cost=4
        )
        database = Database(url)
        token = _load(database, settings, options)
        environment = {"ENV": "development", "DATABASE_URL": url, "JWT_SECRET": SECRET, "DATA_DIR": str(run)}
        environment |= {"DB_POOL_SIZE": "10", "HOST": "127.0.0.1", "LOG_LEVEL": options.log_level}
        with ExitStack() as stack:
            baseline_app = ["-m", "uvicorn", "tests.load.baseline:app", "--port", "{port}", "--no-access-log"]
            baseline_app += ["--loop", "uvloop", "--http", "httptools", "--no-server-header"]
            pair = [
                stack.enter_context(machine.running("ours", ["-m", "crm.cli", "web"], environment, ours)),
                stack.enter_context(machine.running("baseline", baseline_app, environment, ours)),
            ]
            _measure(pair, work.known(database), token, options)
        if options.only in "global search":
            finding.measure(database, console)
        if options.only in "jobs":
            os.sched_setaffinity(0, ours | rest)  # worker, relay and database have all cores, as Dramatiq alone has
            environment |= {"REDIS_URL": f"unix://{servers.valkey(run, os.getpid())}?db=0"}
            jobs.measure(database, environment, console, count=options.jobs, rounds=options.rounds)
        database.dispose()
    finally:
        servers.stop_all(run)
        shutil.rmtree(run, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--contacts", type=int, default=100_000, help="rows; a fifth as many customers")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one round")
    parser.add_argument("--rounds", type=int, default=4, help="rounds of each server and kind")
    parser.add_argument("--connections", type=int, default=16, help="keep-alive connections")
    parser.add_argument("--jobs", type=int, default=3_000, help="jobs of one round")
    parser.add_argument("--only", default="", help="kinds whose name contains this; `jobs` for these alone")
    parser.add_argument("--user", default=demo.MANAGER, help="who asks: demo.manager sees all, demo.sales their own")
    parser.add_argument("--log-level", default="info", help="LOG_LEVEL of our server; info is the default of all")
    return parser.parse_args()


def _load(database: Database, settings: Settings, options: argparse.Namespace) -> str:
    """Fill the database; an access token of the user who asks, for longer than the longest run."""
    upgrade(database)
    initial.load(database, settings)
    started = time.monotonic()
    with shown() as progress:
        demo.load(database, settings, size=options.contacts, deals=0, progress=progress)
    with database.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    console.print(f"{options.contacts:,} contacts loaded in {time.monotonic() - started:.0f} s", highlight=False)
    with database.read_only(system("load")) as session:
        user = session.scalars(select(User).where(User.username == options.user)).one()
    tokens.ACCESS_S = 24 * 3600
    return tokens.issue(settings, user.id, not_before=user.tokens_from.timestamp())


def _measure(pair: Sequence[machine.Server], known: work.Known, token: str, options: argparse.Namespace) -> None:
    table = Table("", "ours /s", "baseline /s", "ratio", "goal", "µs CPU ours", "baseline", "p99 ms ours", "baseline")
    for column in table.columns[1:]:
        column.justify = "right"
    _compare(pair, known, token)
    for kind in work.KINDS:
        if options.only not in kind.name:
            continue
        sent = work.requests(kind, known, token)
        found: dict[str, list[Round]] = {server.name: [] for server in pair}
        for server in pair:
            _round(server, sent, options, min(1.0, options.seconds))
        for _ in range(options.rounds):
            for server in pair:
                found[server.name].append(_round(server, sent, options, options.seconds))
        table.add_row(*_row(kind, found["ours"], found["baseline"]))
        console.print(f"{kind.name}: {_ratio(found['ours'], found['baseline']):.2f}", highlight=False)
    console.print(table)


def _compare(pair: Sequence[machine.Server], known: work.Known, token: str) -> None:
    """Both must answer the same: otherwise the figures compare different work."""
    for path in (f"/api/contacts/{known.contacts[7]}", f"/api/contacts?customerId={known.customers[3]}&pageSize=20"):
        answers = [server.get(path, token) for server in pair]
        bodies = [orjson.loads(body) for _, body in answers]
        if [status for status, _ in answers] != [200, 200] or bodies[0] != bodies[1]:
            raise SystemExit(f"the servers answer {path} differently:\n{answers[0]}\n{answers[1]}")


def _round(server: machine.Server, sent: Sequence[bytes], options: argparse.Namespace, seconds: float) -> Round:
    plan = {"host": "127.0.0.1", "port": server.port, "connections": options.connections, "seconds": seconds}
    encoded = json.dumps(plan | {"requests": [base64.b64encode(request).decode() for request in sent]})
    before = server.cpu_s()
    command = [sys.executable, "-m", "tests.load.client"]
    done = subprocess.run(command, input=encoded, capture_output=True, text=True, check=True, cwd=Path.cwd())
    used, result = server.cpu_s() - before, json.loads(done.stdout)
    if result["wrong"]:
        raise SystemExit(f"{server.name}: {result['wrong']} wrong answers, the first:\n{result['first_wrong']}")
    return Round(result["count"] / result["seconds"], used / result["count"] * 1e6, result["p99_ms"])


def _ratio(ours: Sequence[Round], baseline: Sequence[Round]) -> float:
    """The median of the ratios of rounds that followed each other: what disturbs one mostly disturbs the other."""
    return statistics.median(a.per_second / b.per_second for a, b in zip(ours, baseline, strict=True))


def _row(kind: work.Kind, ours: Sequence[Round], baseline: Sequence[Round]) -> tuple[str, ...]:
    def median(rounds: Sequence[Round], name: str) -> float:
        return statistics.median([float(getattr(r, name)) for r in rounds])

    ratio = _ratio(ours, baseline)
    reached = "" if kind.goal is None else f"{kind.goal} {'✓' if ratio >= kind.goal else '✗'}"
    pairs = [[median(side, name) for side in (ours, baseline)] for name in ("per_second", "cpu_us", "p99_ms")]
    speed, cpu, late = pairs
    return (
        kind.name,
        *(f"{value:,.0f}" for value in speed),
        f"{ratio:.2f}",
        reached,
        *(f"{value:,.0f}" for value in cpu),
        *(f"{value:.1f}" for value in late),
    )


if __name__ == "__main__":
    main()
