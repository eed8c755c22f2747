"""What the processes of a torture run do: win deals, work, relay.  Each is forked by the nursery and may be killed."""

from __future__ import annotations

import time

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

#: shorter than in production, so that a run takes minutes; the statements are the same
LEASE_S, HEARTBEAT_S, SWEEP_S, LOST_AFTER_S, SMTP_TIMEOUT_S = 6.0, 2.0, 1.0, 5.0, 3.0
WINNER = system("seller")
__all__ = ["play", "services"]


@job("deal.won")
def won(session: Session, *, opportunity_id: int) -> None:
    """One mail for a deal that was won."""
    to = address_of(opportunity_id)
    emails.queue(session, to=to, subject=f"Deal {opportunity_id}", text="Won!", key=f"deal-won:{opportunity_id}")


def address_of(opportunity_id: int) -> str:
    return f"deal{opportunity_id}@example.com"


def sell(settings: Settings, *, per_second: float) -> None:
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
                time.sleep(1 / per_second)
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


def work(settings: Settings) -> None:
    smtp.TIMEOUT_S = SMTP_TIMEOUT_S
    process = WorkerProcess(settings, heartbeat_s=HEARTBEAT_S, lease_s=LEASE_S)
    stop = stop_event()
    process.start()
    stop.wait()
    process.stop()


def relay(settings: Settings) -> None:
    process = SchedulerProcess(settings, sweep_s=SWEEP_S, lost_after_s=LOST_AFTER_S)
    stop = stop_event()
    process.start()
    stop.wait()
    process.stop()


def play(role: str, settings: Settings, per_second: float) -> None:
    """Until killed."""
    logs.configure(settings)
    if role.startswith("seller"):
        sell(settings, per_second=per_second)
    elif role.startswith("worker"):
        work(settings)
    else:
        relay(settings)
