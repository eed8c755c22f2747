"""One run: deals are won, each gets one mail, and meanwhile everything is killed that can be."""

from __future__ import annotations

import itertools
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from sqlalchemy.exc import SQLAlchemyError

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.migrations.run import upgrade
from crm.models import Opportunity, Schedule, Stage
from crm.models.stage import StageCategory
from crm.services import records
from crm.settings import Settings
from tests import factories
from tests.torture import crashing, mail_server, nursery, verdict
from tests.torture.mail_server import MailServer
from tests.torture.nursery import Nursery
from tests.torture.roles import Pace
from tests.torture.verdict import Pending, Verdict

WORKERS = ("worker 1", "worker 2")
RELAYS = ("relay 1", "relay 2")
SELLERS = ("seller",)
DRAIN_LIMIT_S = 600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of what."""

    deals: int = 1000
    workers: int = 20
    relays: int = 5
    brokers: int = 5
    databases: int = 5
    sellers: int = 5
    every_s: float = 2.5
    seed: int = 1

    def counts(self, backend: str) -> dict[str, int]:
        """What is killed how often; SQLite is no server, so all that use it are killed at once instead."""
        wanted = {"worker": self.workers, "relay": self.relays, "broker": self.brokers, "seller": self.sellers}
        return wanted | {"database" if backend == "postgresql" else "everything": self.databases}

    def faults(self, backend: str) -> list[str]:
        """In an order of chance, the same for a seed."""
        faults = [name for name, count in self.counts(backend).items() for _ in range(count)]
        Random(self.seed).shuffle(faults)
        return faults


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds from the first deal to the last fault, and from then to the end of all work, of which `left` was left;
    `after_sale_s` from the last deal that was won, where the machine was too slow to win all before the last fault.

    `last` tells of the jobs that ended last what happened to them after the last fault.
    """

    verdict: Verdict
    left: Pending
    faults_s: float
    drain_s: float
    after_sale_s: float
    met: dict[str, int]
    killed: Counter[str]
    last: list[str]


def torture(backend: str, plan: Plan, folder: Path, *, tell: Callable[[str], None] = lambda _line: None) -> Outcome:
    """Raises AssertionError if the work does not end in time."""
    with ExitStack() as stack:
        url, crash_database = stack.enter_context(_database(backend, folder))
        broker, redis_url = stack.enter_context(crashing.valkey(folder / "broker"))
        server = stack.enter_context(mail_server.running(seed=plan.seed))
        settings = _settings(url, redis_url, server, folder)
        database = Database(url)
        stack.callback(database.dispose)
        _prepare(database, plan.deals)
        processes = stack.enter_context(nursery.opened(folder / "processes.log"))
        processes.use(settings, Pace(2 * plan.deals / max(1.0, len(plan.faults(backend)) * plan.every_s)))
        processes.start(*WORKERS, *RELAYS, *SELLERS)
        crashes: dict[str, Callable[[], None]] = {
            "broker": broker.crash,
            "database": crash_database,
            "everything": partial(_power_cut, processes),
        }
        began = time.monotonic()
        killed = _disturb(plan, backend, processes, crashes, tell)
        ended, moment = time.monotonic(), now()
        left, sold = _drain(database, tell)
        drained = time.monotonic()
        last = verdict.last_to_end(database, moment)
        judged = verdict.judge(database, server)
        return Outcome(judged, left, ended - began, drained - ended, drained - sold, dict(server.met), killed, last)


@contextmanager
def _database(backend: str, folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    if backend == "sqlite":
        yield f"sqlite:///{folder / 'crm.sqlite3'}", lambda: None
        return
    with crashing.postgresql(folder / "postgresql") as (server, url):
        yield url, server.crash


def _settings(url: str, redis_url: str, server: MailServer, folder: Path) -> Settings:
    return Settings(
        _env_file=None,
        env="test",
        log_level="warning",
        jwt_secret="a secret of 32 bytes for torture only",
        data_dir=folder / "data",
        database_url=url,
        redis_url=redis_url,
        smtp_host="127.0.0.1",
        smtp_port=server.port,
        mail_from="CRM <crm@crm.example>",
    )


def _prepare(database: Database, count: int) -> None:
    upgrade(database)
    with database.transaction(system("setup")) as session:
        pipeline = factories.default_pipeline(session)
        factories.make(Stage, session, pipeline_id=pipeline.id, position=9, category=StageCategory.WON)
        for number in range(count):
            records.create(session, Opportunity, {"name": f"Deal {number}", "amount": 100})
        records.create(session, Schedule, verdict.EVERY_SECOND)


def _disturb(
    plan: Plan, backend: str, processes: Nursery, crashes: dict[str, Callable[[], None]], tell: Callable[[str], None]
) -> Counter[str]:
    """One fault after the other, at a steady pace; how many of each there were."""
    killed = Counter[str]()
    next_of = {"worker": itertools.cycle(WORKERS), "relay": itertools.cycle(RELAYS), "seller": itertools.cycle(SELLERS)}
    for fault in plan.faults(backend):
        time.sleep(plan.every_s)
        if fault in crashes:
            crashes[fault]()
        else:
            processes.kill(next(next_of[fault]))
        killed[fault] += 1
        tell(f"killed: {fault}")
    return killed


def _power_cut(processes: Nursery) -> None:
    names = list(processes.pids)
    for name in names:
        processes.signal(name, signal.SIGKILL)
    processes.start(*names)


def _drain(database: Database, tell: Callable[[str], None]) -> tuple[Pending, float]:
    """What was pending at the beginning, and when the last deal was won."""
    deadline = time.monotonic() + DRAIN_LIMIT_S
    first: Pending | None = None
    sold = 0.0
    while True:
        assert time.monotonic() < deadline, f"too much was pending: {first}"
        time.sleep(0.2)
        try:
            verdict.stop_the_clock(database)
            left = verdict.pending(database)
        except SQLAlchemyError:
            continue
        first = first or left
        sold = sold or (0.0 if left.deals else time.monotonic())
        tell(f"pending: {left.deals} deals, {left.jobs} jobs")
        if not any(left):
            return first, sold
