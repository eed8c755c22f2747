"""The web is killed while deals are won: each won deal has its job, no other has one, and nothing is there twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from random import Random
from typing import Any

from sqlalchemy import select

from crm.actor import system
from crm.db import CrmSession
from crm.jobs.killpoints import EXIT_STATUS
from crm.models import (
    EmailMessage,
    IdempotencyRecord,
    Interaction,
    Job,
    Notification,
    Opportunity,
    OpportunityHistory,
    Stage,
)
from crm.models.job import JobStatus
from crm.models.opportunity_history import OpportunityChange
from crm.models.stage import StageCategory
from crm.services import notification_preferences, records
from crm.services.notification_preferences import Wish
from tests import factories
from tests.outages.installation import Installation
from tests.outages.scenarios import drain
from tests.outages.selling import Sales, selling
from tests.waiting import until

DEALS = 1000
KILLS = 20
#: one in so many kills is followed by a start that ends by itself between a job's row and the commit
BETWEEN_EACH = 4
SEED = 1
#: what a deal and its mail ask for
NEWS, MAIL = "notification.mail", "email.send"


def sell(installation: Installation) -> tuple[str, list[str]]:
    """Winning a deal tells its owner by mail: deal, history, notification and job are of one transaction, as are a mail
    to the buyer, its entry in the timeline and its job.
    """
    sales = _prepared(installation)
    began, faults = time.monotonic(), list[str]()
    with selling(sales):
        between = _kill(installation, sales, faults)
        under_fire_s = time.monotonic() - began
    took_s = time.monotonic() - began
    drained_s = drain(installation) - began - took_s
    with installation.database.read_only(system("outages")) as session:
        faults += [*sorted(set(sales.wrong)), *_faults(session, sales)]
        kept = _kept_unanswered(session, sales)
    return (
        f"{KILLS} kills of the web, and {between} ends between a job's row and its commit, in {under_fire_s:.0f} of "
        f"{took_s:.0f} s: {len(sales.won)} deals won, {len(sales.written)} mails written; {len(sales.again)} requests "
        f"sent again, of which {kept} had been done; {sales.refused.total()} refused with all they had done; "
        f"{len(faults)} faults, all work done {drained_s:.0f} s after"
    ), faults


def _prepared(installation: Installation) -> Sales:
    """Open deals of somebody who wants to know of every one that is won; whoever asks for the win is another one."""
    with installation.database.transaction(system("outages")) as session:
        owner = factories.user(session, admin=True)
        notification_preferences.keep(session, owner.id, {"deal_won": Wish(in_app=True, by_mail=True)})
        values: dict[str, Any] = {"amount": 100, "owner_id": owner.id}
        deals = [records.create(session, Opportunity, {"name": f"Deal {n}", **values}).id for n in range(DEALS)]
        won = session.scalars(select(Stage.id).where(Stage.category == StageCategory.WON)).one()
    return Sales(installation, deals, won)


def _kill(installation: Installation, sales: Sales, faults: list[str]) -> int:
    """At moments of chance, spread over the deals; how often it ended between row and commit."""
    random, between = Random(SEED), 0
    for number, place in enumerate(sorted(random.sample(range(1, len(sales.deals) - 20), KILLS))):
        until(partial(sales.has_done, place))
        time.sleep(random.uniform(0, 0.05))
        installation.kill("web 1")
        if number % BETWEEN_EACH == 0:
            between += 1
            if (status := installation.end_at("web 1", "after_asking")) != EXIT_STATUS:
                faults.append(f"the web ended with {status}")
        installation.start("web 1")
    return between


# ---------------------------------------------------------------------------------------------- verdict


def _faults(session: CrmSession, sales: Sales) -> Iterator[str]:
    """Rows of the deals, then the jobs of those rows: each once, and no others."""
    deals = set(sales.deals)
    yield from _each_once("answered as won", sales.won, deals)
    yield from _each_once("answered as written", sales.written, deals)
    yield from _each_once(
        "won", session.scalars(select(Opportunity.id).where(Opportunity.closed_at.is_not(None))), deals
    )
    closed = OpportunityHistory.change == OpportunityChange.CLOSED
    yield from _each_once("closed", session.scalars(select(OpportunityHistory.opportunity_id).where(closed)), deals)
    written = EmailMessage.record_type == "opportunity"
    yield from _each_once("mails", session.scalars(select(EmailMessage.record_id).where(written)), deals)
    entered = select(Interaction.opportunity_id).where(Interaction.opportunity_id.is_not(None))
    yield from _each_once("entries", session.scalars(entered), deals)
    news = session.execute(select(Notification.id, Notification.record_id).where(Notification.kind == "deal_won")).all()
    yield from _each_once("told", (deal for _, deal in news), deals)
    told, sent = {number for number, _ in news}, set(session.scalars(select(EmailMessage.id)))
    yield from _each_once("jobs of the news", _asked(session, NEWS, "notification_id"), told)
    yield from _each_once("jobs of the mails", _asked(session, MAIL, "message_id"), sent)
    unfinished = select(Job.kind).where(Job.kind.in_([NEWS, MAIL]), Job.status != JobStatus.SUCCEEDED)
    if found := session.scalars(unfinished).all():
        yield f"not done: {dict(Counter(found))}"


def _asked(session: CrmSession, kind: str, name: str) -> list[Any]:
    """What the jobs of a kind are about."""
    return [payload[name] for payload in session.scalars(select(Job.payload).where(Job.kind == kind))]


def _each_once(what: str, found: Iterable[Any], wanted: set[int]) -> Iterator[str]:
    counts = Counter(found)
    missing, strange = wanted - counts.keys(), counts.keys() - wanted
    doubled = [number for number, count in counts.items() if count > 1]
    if missing or strange or doubled:
        yield f"{what}: {len(missing)} missing, {len(strange)} of nothing, {len(doubled)} doubled"


def _kept_unanswered(session: CrmSession, sales: Sales) -> int:
    """Requests whose work was kept before they were sent for the last time: only their answer was lost."""
    made = session.execute(select(IdempotencyRecord.key, IdempotencyRecord.created_at)).tuples()
    return sum(key in sales.again and moment < sales.again[key] for key, moment in made)
