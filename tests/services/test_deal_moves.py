"""Moving, winning, losing and opening deals again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm.actor import system
from crm.db import Database
from crm.errors import BadInput, Conflict
from crm.models import Opportunity
from crm.models.opportunity_history import OpportunityChange
from crm.models.stage import ForecastCategory, StageCategory
from crm.services import opportunity_moves as moves
from crm.services import records
from tests.services.sales import Sales, department

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def sales(database: Database) -> Iterator[Sales]:
    with database.transaction(system("test")) as session:
        yield department(session)


def refused(sales: Sales, error: type[Exception], sentence: str, run: Any, *arguments: Any, **options: Any) -> None:
    """The call raises, and what it did before is taken back."""
    with pytest.raises(error, match=sentence), sales.session.begin_nested():
        run(sales.session, *arguments, **options)


def test_a_deal_moves_forward_and_back_between_open_stages(sales: Sales) -> None:
    deal = sales.deal()
    for name in ("Proposal", "Prospecting", "Waiting", "Qualification"):
        moves.move(sales.session, deal, stage_id=sales.stages[name].id)
        assert deal.stage.name == name
    assert [row.after for row in sales.history(deal)[1:]] == ["Proposal", "Prospecting", "Waiting", "Qualification"]


def test_a_move_clears_the_probability_unless_the_mover_sends_one(sales: Sales) -> None:
    deal = sales.deal(probability_override=Decimal("0.9"))
    moves.move(sales.session, deal, stage_id=sales.stages["Proposal"].id)
    assert (deal.probability_override, deal.probability) == (None, Decimal("0.5"))
    options: dict[str, Any] = {"forecast_category_override": ForecastCategory.COMMIT}
    options |= {"stage_id": sales.stages["Qualification"].id, "probability_override": Decimal("0.35")}
    moves.move(sales.session, deal, **options)
    assert (deal.probability, deal.forecast_category_override) == (Decimal("0.35"), ForecastCategory.COMMIT)


def test_a_move_leads_nowhere_but_to_another_open_stage_of_the_pipeline(sales: Sales) -> None:
    deal, stages = sales.deal(amount=Decimal(5)), sales.stages
    refused(sales, BadInput, "must be a stage of the deal's pipeline", moves.move, deal, stage_id=sales.other.id)
    refused(sales, BadInput, "win or lose the deal instead", moves.move, deal, stage_id=stages["Won"].id)
    refused(sales, BadInput, "Stage not found", moves.move, deal, stage_id=10**9)
    refused(sales, Conflict, "in this stage already", moves.move, deal, stage_id=stages["Prospecting"].id)
    moves.win(sales.session, deal)
    refused(sales, Conflict, "opened again before it is moved", moves.move, deal, stage_id=stages["Proposal"].id)


def test_a_mover_who_saw_another_stage_is_told(sales: Sales) -> None:
    deal, stages = sales.deal(), sales.stages
    seen = deal.stage_id
    moves.move(sales.session, deal, stage_id=stages["Proposal"].id, from_stage_id=seen)
    late = {"stage_id": stages["Qualification"].id, "from_stage_id": seen}
    refused(sales, Conflict, "Somebody else has moved the deal to Proposal", moves.move, deal, **late)


def test_winning_needs_an_amount_and_sets_the_moment(sales: Sales) -> None:
    deal = sales.deal()
    refused(sales, BadInput, "amount: is needed for a won deal", moves.win, deal)
    with time_machine.travel(START + timedelta(days=400), tick=False):
        moves.win(sales.session, deal, amount=Decimal("12.50"))
    assert (deal.amount, deal.amount_by_hand, deal.closed_at) == (Decimal("12.50"), True, START + timedelta(days=400))
    assert (deal.stage.name, deal.probability, deal.weighted_amount) == ("Won", Decimal(1), Decimal("12.50"))
    refused(sales, Conflict, "has been won already", moves.win, deal)
    refused(sales, Conflict, "has been won already", moves.lose, deal, lost_reason_id=sales.reasons["Price"].id)


def test_a_deal_that_is_made_closed_is_made_and_closed_at_one_instant(sales: Sales) -> None:
    with time_machine.travel(START, tick=True):
        deal = sales.deal(amount=Decimal(1), stage_id=sales.stages["Won"].id)
    assert deal.created_at == deal.closed_at == deal.stage_entered_at


def test_a_deal_may_have_been_won_some_days_ago(sales: Sales) -> None:
    with time_machine.travel(START, tick=False) as clock:
        deal = sales.deal(amount=Decimal(1))
        clock.shift(timedelta(days=5))
        early, late = START - timedelta(seconds=1), START + timedelta(days=5, seconds=1)
        refused(sales, BadInput, "must not be before the deal came into its stage", moves.win, deal, closed_at=early)
        refused(sales, BadInput, "must not lie in the future", moves.win, deal, closed_at=late)
        moves.win(sales.session, deal, closed_at=START + timedelta(days=2))
    assert deal.closed_at == deal.stage_entered_at == START + timedelta(days=2)
    assert sales.history(deal)[-1].created_at == START + timedelta(days=2)
    assert sales.history(deal)[-1].seconds_in_stage == 2 * 86_400
    assert deal.age_days == 2


def test_a_moment_in_the_past_does_not_take_back_the_last_activity(sales: Sales) -> None:
    with time_machine.travel(START, tick=False) as clock:
        deal = sales.deal(amount=Decimal(1))
        clock.shift(timedelta(days=5))
        deal.last_activity_at = START + timedelta(days=4)
        moves.win(sales.session, deal, closed_at=START + timedelta(days=2))
    assert deal.last_activity_at == START + timedelta(days=4)


def test_losing_needs_a_reason_that_is_used_and_a_note_where_it_says_so(sales: Sales) -> None:
    deal, reasons = sales.deal(), sales.reasons
    refused(sales, BadInput, "lostReasonId: is needed", moves.lose, deal, lost_reason_id=10**9)
    refused(sales, BadInput, "no longer used", moves.lose, deal, lost_reason_id=reasons["Old"].id)
    blank = {"lost_reason_id": reasons["Other"].id, "lost_notes": "  "}
    refused(sales, BadInput, "lostNotes: is needed with this reason", moves.lose, deal, **blank)
    moves.lose(sales.session, deal, lost_reason_id=reasons["Other"].id, lost_notes="They merged")
    assert (deal.stage.name, deal.lost_notes, deal.probability) == ("Lost", "They merged", Decimal(0))
    refused(sales, Conflict, "has been lost; open it again first", moves.win, deal, amount=Decimal(1))


def test_a_reason_that_went_out_of_use_stays_on_deals_that_were_lost_by_it(sales: Sales) -> None:
    deal = sales.deal()
    moves.lose(sales.session, deal, lost_reason_id=sales.reasons["Price"].id)
    sales.change(sales.reasons["Price"], active=False)
    sales.change(deal, lost_notes="Much too dear", description="Seen again")
    with pytest.raises(BadInput, match="lostReasonId"), sales.session.begin_nested():
        sales.change(deal, lost_reason_id=sales.reasons["Old"].id)
    with pytest.raises(BadInput, match="lostReasonId: is needed"), sales.session.begin_nested():
        sales.change(deal, lost_reason_id=None)


def test_reopening_leads_back_to_the_last_open_stage(sales: Sales) -> None:
    deal = sales.deal(amount=Decimal(5), stage_id=sales.stages["Qualification"].id)
    refused(sales, Conflict, "The deal is open", moves.reopen, deal)
    moves.win(sales.session, deal)
    moves.reopen(sales.session, deal)
    assert (deal.stage.name, deal.closed_at) == ("Qualification", None)
    moves.lose(sales.session, deal, lost_reason_id=sales.reasons["Price"].id)
    refused(sales, BadInput, "must be an open stage", moves.reopen, deal, stage_id=sales.stages["Won"].id)
    moves.reopen(sales.session, deal, stage_id=sales.stages["Proposal"].id)
    assert (deal.stage.name, deal.lost_reason_id) == ("Proposal", None)
    told = [row.change for row in sales.history(deal)]
    closed, reopened = OpportunityChange.CLOSED, OpportunityChange.REOPENED
    assert told == [OpportunityChange.CREATED, closed, reopened, closed, reopened]


def test_a_stage_asks_for_everything_it_needs_at_once(sales: Sales) -> None:
    deal, proposal = sales.deal(), sales.stages["Proposal"]
    proposal.required_fields = ["amount", "expectedCloseDate", "nextStep", "tagIds"]
    with pytest.raises(BadInput) as told, sales.session.begin_nested():
        moves.move(sales.session, deal, stage_id=proposal.id)
    sentence = "The stage Proposal asks for: amount, expectedCloseDate, nextStep, tagIds"
    assert str(told.value) == sentence
    assert [error.field for error in told.value.errors] == ["amount", "expectedCloseDate", "nextStep", "tagIds"]
    assert told.value.errors[0].message == "is needed in the stage Proposal"
    with pytest.raises(BadInput, match="asks for"), sales.session.begin_nested():
        sales.deal(stage_id=proposal.id)
    proposal.required_fields = ["amount"]
    sales.change(deal, stage_id=proposal.id, amount=Decimal(3))
    assert deal.stage is proposal


def test_a_pipeline_without_a_stage_for_it_says_so(sales: Sales) -> None:
    deal = sales.deal(stage_id=sales.other.id, amount=Decimal(1))
    refused(sales, Conflict, "no stage for this: won", moves.win, deal)


def test_the_history_cannot_be_rewritten(sales: Sales) -> None:
    deal = sales.deal()
    [row] = sales.history(deal)
    row.after = "Something else"
    with pytest.raises(Conflict, match="cannot be changed"):
        sales.session.flush()
    sales.session.expire(row)
    sales.session.delete(row)
    with pytest.raises(Conflict, match="cannot be deleted"):
        sales.session.flush()
    sales.session.expunge(row)


def test_a_hold_does_not_make_a_deal_stale(sales: Sales) -> None:
    proposal, waiting = sales.stages["Proposal"].id, sales.stages["Waiting"].id
    stale: list[bool] = []
    with time_machine.travel(START, tick=False) as clock:
        deal = sales.deal(stage_id=proposal)
        clock.shift(timedelta(days=10))
        moves.move(sales.session, deal, stage_id=waiting)
        clock.shift(timedelta(days=90))
        stale.append(deal.stale)
        moves.move(sales.session, deal, stage_id=proposal)
        clock.shift(timedelta(days=5))
        stale.append(deal.stale)  # fifteen days, exactly
        clock.shift(timedelta(seconds=1))
        stale.append(deal.stale)
        moves.move(sales.session, deal, stage_id=waiting)
        moves.move(sales.session, deal, stage_id=sales.stages["Qualification"].id)
        assert deal.seconds_before_hold == 0  # another stage is a new beginning
        stale.append(deal.stale)
    assert stale == [False, False, True, False]


STEPS = st.lists(st.tuples(st.sampled_from(["Qualification", "Proposal", "Waiting", "Prospecting", "win", "lose"]),
                           st.integers(1, 10**6)), max_size=8)  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(steps=STEPS)
def test_the_seconds_of_all_stages_add_up_to_the_age(sales: Sales, steps: list[tuple[str, int]]) -> None:
    with time_machine.travel(START, tick=False) as clock:
        deal = sales.deal(amount=Decimal(5))
        for step, seconds in steps:
            clock.shift(seconds)
            _step(sales, deal, step)
        spent = sum(row.seconds_in_stage or 0 for row in sales.history(deal))
        assert spent == (deal.stage_entered_at - deal.created_at).total_seconds()


def _step(sales: Sales, deal: Opportunity, step: str) -> None:
    if moves.is_closed(deal):
        moves.reopen(sales.session, deal)
    elif step == "win":
        moves.win(sales.session, deal)
    elif step == "lose":
        moves.lose(sales.session, deal, lost_reason_id=sales.reasons["Price"].id)
    elif deal.stage.name != step:
        moves.move(sales.session, deal, stage_id=sales.stages[step].id)


def test_the_same_rules_hold_for_whoever_changes_the_stage_by_hand(sales: Sales) -> None:
    deal, stages = sales.deal(amount=Decimal(1)), sales.stages
    records.update(sales.session, deal, {"stage_id": stages["Won"].id})
    assert deal.closed_at is not None
    with pytest.raises(Conflict, match="opened again"), sales.session.begin_nested():
        sales.change(deal, stage_id=stages["Lost"].id, lost_reason_id=sales.reasons["Price"].id)
    sales.change(deal, stage_id=stages["Proposal"].id)
    assert deal.stage.category is StageCategory.OPEN
