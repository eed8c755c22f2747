"""What the processes of a torture run do: win deals, work, relay.  Each is forked by the nursery and may be killed."""

from __future__ import annotations

import faulthandler
import signal
import time
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crm import logs, services
from crm.actor import system
from crm.db import Database
from crm.jobs import enqueue
from crm.mail import smtp
from crm.models import Opportunity, Stage
from crm.models.stage import StageCategory
from crm.services import emails, records
from crm.settings import Settings
from crm.workers.main import WorkerProcess, stop_event
from crm.workers.registry import job
from crm.workers.schedule import SchedulerProcess
from tests.torture import kinds

WINNER = system("seller")
__all__ = ["kinds", "play", "services"]


@dataclass(frozen=True, slots=True)
class Pace:
    """Shorter than in production, so that a run takes minutes; the statements are the same.

    On a machine that gives a process no turn for longer than a lease, living workers are taken for dead.
    """

    per_second: float = 10.0
    lease_s: float = 15.0
    heartbeat_s: float = 3.0
    sweep_s: float = 1.0
    lost_after_s: float = 5.0
    crash_pause_s: float = 7.5
    smtp_timeout_s: float = 3.0


@job("deal.won")
def won(session: Session, *, opportunity_id: int) -> None:
    """One mail for a deal that was won."""
    to = address_of(opportunity_id)
    emails.queue(session, to=to, subject=f"Deal {opportunity_id}", text="Won!", key=f"deal-won:{opportunity_id}")


def address_of(opportunity_id: int) -> str:
    return f"deal{opportunity_id}@example.com"


def sell(settings: Settings, pace: Pace) -> None:
    """Win every open deal, each in a transaction of its own, and ask for its job there."""
    database = Database(settings.database)
    while True:
        try:
            with database.read_only(WINNER) as session:
                open_ones = select(Opportunity.id).where(Opportunity.closed_at.is_(None)).order_by(Opportunity.id)
                numbers = session.scalars(open_ones).all()
                stage = session.scalars(select(Stage.id).where(Stage.category == StageCategory.WON)).one()
            for number in numbers:
                win(database, number, stage)
                time.sleep(1 / pace.per_second)
            if not numbers:
                time.sleep(0.2)
        except SQLAlchemyError:  # a user would try again
            time.sleep(0.2)


def win(database: Database, number: int, stage_id: int) -> None:
    with database.transaction(WINNER) as session:
        deal = session.get_one(Opportunity, number, with_for_update=True)
        if deal.closed_at is None:
            records.update(session, deal, {"stage_id": stage_id})
            enqueue(session, "deal.won", key=f"deal-won:{number}", opportunity_id=number)


def work(settings: Settings, pace: Pace) -> None:
    smtp.TIMEOUT_S = smtp.ANSWER_TIMEOUT_S = pace.smtp_timeout_s
    _run(WorkerProcess(settings, heartbeat_s=pace.heartbeat_s, lease_s=pace.lease_s))


def relay(settings: Settings, pace: Pace) -> None:
    times = {"sweep_s": pace.sweep_s, "lost_after_s": pace.lost_after_s, "crash_pause_s": pace.crash_pause_s}
    _run(SchedulerProcess(settings, tick_s=0.2, **times))


def _run(process: WorkerProcess | SchedulerProcess) -> None:
    stop = stop_event()
    process.start()
    stop.wait()
    process.stop()


def play(name: str, settings: Settings, pace: Pace) -> None:
    """`seller`, `worker 1`, `relay 2` …, until killed; SIGUSR1 shows where its threads are."""
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    logs.configure(settings)
    {"seller": sell, "worker": work, "relay": relay}[name.partition(" ")[0]](settings, pace)
