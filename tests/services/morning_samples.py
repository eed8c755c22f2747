"""People, deals and mornings as the tests make them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import time_machine
from sqlalchemy import select

from crm.actor import Scope, system
from crm.db import CrmSession, Database
from crm.models import (
    Notification,
    Opportunity,
    Reminder,
    User,
)
from crm.services import records, reminder_news
from crm.workers import clock
from tests import factories

#: eight o'clock of this day is midnight in UTC for Shanghai, 07:00 for Berlin
DAY = date(2026, 11, 30)


EIGHT_IN_BERLIN = datetime(2026, 11, 30, 7, tzinfo=UTC)


def person(session: CrmSession, zone: str = "Europe/Berlin", **values: Any) -> User:
    made = factories.user(session, {"view_opportunities": Scope.OWN, "view_tasks": Scope.OWN})
    for name, value in {"timezone": zone, **values}.items():
        setattr(made, name, value)
    session.flush()
    return made


def deal(session: CrmSession, owner: User | None, **values: Any) -> Opportunity:
    factories.default_pipeline(session)
    given = {"name": "Two hundred seats", "owner_id": owner.id if owner else None, **values}
    made: Opportunity = records.create(session, Opportunity, given)
    return made


def morning(database: Database, moment: datetime, *, rounds: int = 2) -> list[tuple[str, str]]:
    """Clock and worker at `moment`, more than once; (kind, title) of all there is to read."""
    with time_machine.travel(moment, tick=False):
        for _ in range(rounds):
            clock.ask_for_mornings(database)
            with database.transaction(system("test")) as session:
                for number in session.scalars(select(Reminder.id)).all():
                    reminder_news.tell(session, number)
    return told(database)


def told(database: Database) -> list[tuple[str, str]]:
    with database.read_only(system("test")) as session:
        rows = session.scalars(select(Notification).order_by(Notification.kind, Notification.id))
        return [(row.kind, row.title) for row in rows]
