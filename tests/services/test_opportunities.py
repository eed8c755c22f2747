"""Deals: where they begin, what a stage asks of them, and the history they leave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import Actor, system
from crm.db import CrmSession, Database
from crm.errors import BadInput, Conflict
from crm.models import LostReason, Opportunity, OpportunityHistory, Pipeline, Stage, User
from crm.models.opportunity_history import OpportunityChange
from crm.models.stage import StageCategory
from crm.schemas import parse
from crm.services import opportunities, records

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@dataclass
class Sales:
    """A session, the default pipeline's stages by name, and two lost reasons."""

    session: CrmSession
    stages: dict[str, Stage]
    reasons: dict[str, LostReason]
    other: Stage

    def deal(self, **values: Any) -> Opportunity:
        made: Opportunity = records.create(self.session, Opportunity, {"name": "Deal", **values})
        return made

    def change(self, deal: Opportunity, **values: Any) -> None:
        records.update(self.session, deal, values)

    def history(self, deal: Opportunity) -> list[OpportunityHistory]:
        rows = select(OpportunityHistory).where(OpportunityHistory.opportunity_id == deal.id)
        return list(self.session.scalars(rows.order_by(OpportunityHistory.id)))


@pytest.fixture
def sales(database: Database) -> Iterator[Sales]:
    with database.transaction(system("test")) as session:
        second, first = Pipeline(name="Renewals"), Pipeline(name="New business", is_default=True)
        session.add_all([second, first])
        session.flush()
        kinds = {"Won": StageCategory.WON, "Prospecting": StageCategory.OPEN, "Proposal": StageCategory.OPEN}
        kinds |= {"Lost": StageCategory.LOST}
        stages = {
            name: Stage(name=name, pipeline_id=first.id, position=position, category=category)
            for position, (name, category) in enumerate(kinds.items())
        }
        other = Stage(name="Renewal due", pipeline_id=second.id)
        reasons = {"Price": LostReason(name="Price"), "Other": LostReason(name="Other", requires_note=True)}
        session.add_all([*stages.values(), other, *reasons.values()])
        session.flush()
        yield Sales(session, stages, reasons, other)


def test_a_deal_without_stage_begins_at_the_first_open_stage_of_the_default_pipeline(sales: Sales) -> None:
    deal = sales.deal()
    assert deal.stage.name == "Prospecting"
    assert deal.pipeline.name == "New business"


def test_the_input_may_leave_pipeline_and_stage_out() -> None:
    assert parse(Opportunity, "create", {"name": "Deal"}, by="json") == {"name": "Deal"}


def test_a_deal_with_a_stage_alone_is_in_the_pipeline_of_the_stage(sales: Sales) -> None:
    assert sales.deal(stage_id=sales.other.id).pipeline.name == "Renewals"


def test_a_deal_with_a_pipeline_alone_begins_at_its_first_stage(sales: Sales) -> None:
    assert sales.deal(pipeline_id=sales.other.pipeline_id).stage is sales.other


def test_a_deal_cannot_begin_without_any_pipeline(database: Database) -> None:
    with pytest.raises(BadInput, match="no pipeline yet"), database.transaction(system("test")) as session:
        records.create(session, Opportunity, {"name": "Deal"})


def test_a_stage_of_another_pipeline_is_refused(sales: Sales) -> None:
    deal = sales.deal()
    with pytest.raises(BadInput, match="stageId: must be a stage of the deal's pipeline"), sales.session.begin_nested():
        sales.change(deal, stage_id=sales.other.id)


def test_a_change_of_pipeline_alone_is_refused(sales: Sales) -> None:
    deal = sales.deal()
    with pytest.raises(BadInput, match="stageId"), sales.session.begin_nested():
        sales.change(deal, pipeline_id=sales.other.pipeline_id)


def test_a_deal_may_change_to_another_pipeline_together_with_its_stage(sales: Sales) -> None:
    deal = sales.deal()
    sales.change(deal, pipeline_id=sales.other.pipeline_id, stage_id=sales.other.id)
    assert deal.stage is sales.other
    assert deal.pipeline.name == "Renewals"


def test_a_won_deal_needs_an_amount(sales: Sales) -> None:
    deal, won = sales.deal(), sales.stages["Won"].id
    with pytest.raises(BadInput, match="amount: is needed for a won deal"), sales.session.begin_nested():
        sales.deal(stage_id=won)
    with pytest.raises(BadInput, match="amount: is needed for a won deal"), sales.session.begin_nested():
        sales.change(deal, stage_id=won)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_won_deal_is_closed_at_that_moment(sales: Sales, at_once: bool) -> None:
    with time_machine.travel(START, tick=False):
        won = {"stage_id": sales.stages["Won"].id, "amount": Decimal(5)}
        deal = sales.deal(**won) if at_once else sales.deal()
        sales.change(deal, **won)
    assert deal.closed_at == START


def test_the_amount_of_a_won_deal_cannot_be_taken_away(sales: Sales) -> None:
    deal = sales.deal(stage_id=sales.stages["Won"].id, amount=Decimal(5))
    with pytest.raises(BadInput, match="amount"), sales.session.begin_nested():
        sales.change(deal, amount=None)


def test_a_won_deal_that_was_loaded_without_amount_can_still_be_edited(sales: Sales) -> None:
    won = sales.stages["Won"]
    deal = Opportunity(name="Old", pipeline_id=won.pipeline_id, stage_id=won.id)
    sales.session.add(deal)
    sales.session.flush()
    sales.change(deal, description="Loaded from elsewhere", amount=None, stage_id=won.id)
    assert deal.description == "Loaded from elsewhere"


def test_a_lost_deal_needs_a_reason_and_a_note_where_the_reason_says_so(sales: Sales) -> None:
    deal, lost = sales.deal(), sales.stages["Lost"].id
    with pytest.raises(BadInput, match="lostReasonId: is needed"), sales.session.begin_nested():
        sales.change(deal, stage_id=lost)
    with pytest.raises(BadInput, match="lostNotes: is needed"), sales.session.begin_nested():
        sales.change(deal, stage_id=lost, lost_reason_id=sales.reasons["Other"].id)
    sales.change(deal, stage_id=lost, lost_reason_id=sales.reasons["Price"].id)
    assert deal.closed_at is not None


def test_a_closed_deal_cannot_be_closed_another_way(sales: Sales) -> None:
    deal = sales.deal(stage_id=sales.stages["Lost"].id, lost_reason_id=sales.reasons["Price"].id)
    with pytest.raises(Conflict, match="opened again"), sales.session.begin_nested():
        sales.change(deal, stage_id=sales.stages["Won"].id, amount=Decimal(5))


def test_a_deal_that_is_opened_again_is_no_longer_closed_or_lost(sales: Sales) -> None:
    deal = sales.deal(stage_id=sales.stages["Lost"].id, lost_reason_id=sales.reasons["Price"].id)
    sales.change(deal, stage_id=sales.stages["Proposal"].id)
    assert (deal.closed_at, deal.lost_reason_id, deal.stage.name) == (None, None, "Proposal")
    assert [row.change for row in sales.history(deal)] == [OpportunityChange.CREATED, OpportunityChange.REOPENED]


def test_another_edit_keeps_the_probability_and_a_move_clears_it(sales: Sales) -> None:
    deal = sales.deal(probability_override=Decimal("0.8"))
    sales.change(deal, description="Met them")
    assert deal.probability_override == Decimal("0.8")
    sales.change(deal, stage_id=sales.stages["Proposal"].id)
    assert deal.probability_override is None


def test_a_move_keeps_the_probability_that_is_sent_with_it(sales: Sales) -> None:
    deal = sales.deal()
    sales.change(deal, stage_id=sales.stages["Proposal"].id, probability_override=Decimal("0.6"))
    assert deal.probability_override == Decimal("0.6")


def test_the_history_tells_every_stage_with_its_seconds(sales: Sales) -> None:
    with time_machine.travel(START, tick=False) as clock:
        deal = sales.deal(amount=Decimal(5))
        clock.shift(timedelta(hours=2))
        sales.change(deal, stage_id=sales.stages["Proposal"].id)
        clock.shift(timedelta(days=1))
        sales.change(deal, stage_id=sales.stages["Prospecting"].id)
        clock.shift(timedelta(minutes=1))
        sales.change(deal, stage_id=sales.stages["Won"].id)
    told = [(r.change.value, r.before, r.after, r.seconds_in_stage) for r in sales.history(deal)]
    assert told == [
        ("created", None, "Prospecting", None),
        ("stage", "Prospecting", "Proposal", 7200),
        ("stage", "Proposal", "Prospecting", 86400),
        ("closed", "Prospecting", "Won", 60),
    ]
    assert [r.to_stage for r in sales.history(deal)] == [sales.stages[str(after)] for _, _, after, _ in told]
    assert sales.history(deal)[1].created_at == START + timedelta(hours=2)
    assert deal.stage_entered_at == deal.closed_at == START + timedelta(hours=26, minutes=1)


def test_the_history_tells_amount_probability_close_date_and_owner(sales: Sales) -> None:
    ann, bob = User(username="ann", email="ann@x.test", name="Ann"), User(username="bob", email="bob@x.test")
    sales.session.add_all([ann, bob])
    sales.session.flush()
    deal = sales.deal(amount=Decimal("5.5"), owner_id=ann.id)
    sales.change(deal, amount=Decimal(7), probability_override=Decimal("0.25"), owner_id=bob.id)
    sales.change(deal, expected_close_date=date(2026, 5, 1), currency="EUR")
    sales.change(deal, amount=Decimal("7.00"), description="No change that counts")
    assert [(r.change.value, r.before, r.after) for r in sales.history(deal)[1:]] == [
        ("amount", "5.50 USD", "7.00 USD"),
        ("probability", None, "0.25"),
        ("owner", "Ann", "bob"),
        ("amount", "7.00 USD", "7.00 EUR"),
        ("close_date", None, "2026-05-01"),
    ]


def test_the_history_says_who_it_was(database: Database, sales: Sales) -> None:
    user = User(username="ann", email="ann@x.test")
    sales.session.add(user)
    sales.session.flush()
    sales.session.info["actor"] = Actor(user.id, "ann", everything=True)
    assert [row.changed_by for row in sales.history(sales.deal())] == [user.id]


def test_a_deal_made_without_the_services_has_its_history_too(sales: Sales) -> None:
    pipeline = Pipeline(name="Direct")
    deal = Opportunity(name="Direct", pipeline=pipeline, stage=Stage(name="Only", pipeline=pipeline))
    sales.session.add(deal)
    sales.session.flush()
    [row] = sales.history(deal)
    assert (row.change, row.after, row.to_stage_id) == (OpportunityChange.CREATED, "Only", deal.stage_id)


def test_the_default_pipeline_is_the_oldest_where_none_is_marked(sales: Sales) -> None:
    sales.stages["Won"].pipeline.is_default = False
    sales.session.flush()
    found = opportunities.default_pipeline(sales.session)
    assert found is not None
    assert found.name == "Renewals"
