"""The open pipeline: what the actor may see, by stage and currency, with what it left out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Actor, Scope, system
from crm.columns import now
from crm.db import CrmSession, Database
from crm.errors import Forbidden
from crm.models import Opportunity, Stage
from crm.models.stage import StageCategory
from crm.services import pipeline_figures, records
from tests import factories


def deal(session: CrmSession, amount: str | None, currency: str = "USD", **values: Any) -> Opportunity:
    given = {"name": "Deal", "amount": Decimal(amount) if amount else None, "currency": currency}
    made: Opportunity = records.create(session, Opportunity, given | values)
    return made


def test_currencies_are_never_added_and_missing_amounts_are_counted(database: Database) -> None:
    with database.transaction(system("test")) as session:
        pipeline = factories.default_pipeline(session)
        for amount, currency in (("0.01", "USD"), ("99.99", "USD"), (None, "USD"), ("5", "CNY")):
            deal(session, amount, currency)
        won = Stage(name="Won", pipeline_id=pipeline.id, category=StageCategory.WON, position=9)
        session.add(won)
        session.flush()
        deal(session, "1000", stage_id=won.id)
        records.delete(session, deal(session, "777"))
        figures = pipeline_figures.open_pipeline(session)
        totals = pipeline_figures.by_currency(figures)
    assert [(f.currency, f.count, f.amount, f.without_amount) for f in figures] == [
        ("CNY", 1, Decimal("5.00"), 0),
        ("USD", 3, Decimal("100.00"), 1),
    ]
    assert [(t.currency, t.count, t.amount) for t in totals] == [("CNY", 1, Decimal(5)), ("USD", 3, Decimal(100))]


def test_deals_in_a_stage_that_is_in_the_trash_still_count(database: Database) -> None:
    with database.transaction(system("test")) as session:
        factories.default_pipeline(session)
        deal(session, "10")
        session.scalars(select(Stage)).one().deleted_at = now()  # as older versions let it happen
        session.flush()
        assert [f.count for f in pipeline_figures.open_pipeline(session)] == [1]


def test_only_what_the_actor_may_see_counts(database: Database) -> None:
    with database.transaction(system("test")) as session:
        factories.default_pipeline(session)
        mine, other = factories.user(session).id, factories.user(session).id
        deal(session, "10", owner_id=mine)
        deal(session, "20", owner_id=other)
    with database.read_only(Actor(mine, "me", {"view_opportunities": Scope.OWN})) as session:
        assert [f.amount for f in pipeline_figures.open_pipeline(session)] == [Decimal(10)]
    with pytest.raises(Forbidden), database.read_only(Actor(mine, "me")) as session:
        pipeline_figures.open_pipeline(session)
