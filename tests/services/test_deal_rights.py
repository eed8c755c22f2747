"""Closing a deal and opening it again by hand: the rights are those of the verbs, whichever field was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from crm import access
from crm.actor import Scope, system
from crm.db import CrmSession, Database
from crm.errors import BadInput, CrmError, Forbidden
from crm.models import Opportunity
from crm.rights import load_actor
from crm.services import bulk, records
from tests import factories
from tests.services.sales import Sales, department

EDITOR = {"view_opportunities": Scope.ALL, "create_opportunity": Scope.ALL, "update_opportunity": Scope.ALL}


@pytest.fixture
def sales(database: Database) -> Iterator[Sales]:
    with database.transaction(system("test")) as session:
        yield department(session)


@contextmanager
def as_somebody(sales: Sales, **grants: Scope) -> Iterator[None]:
    """The session belongs to an editor of deals with these rights besides; then to the system again."""
    before = sales.session.info["actor"]
    made = factories.user(sales.session, EDITOR | grants)
    _become(sales.session, load_actor(sales.session, made.id))
    try:
        yield
    finally:
        _become(sales.session, before)


def _become(session: Any, actor: Any) -> None:
    assert isinstance(session, CrmSession)
    session.info["actor"] = actor
    session.info.pop("criteria", None)


def outcome(sales: Sales, deal: Opportunity, **values: Any) -> str:
    """What comes of writing these fields: `done`, or the name of the error; nothing is kept."""
    savepoint = sales.session.begin_nested()
    try:
        records.update(sales.session, deal, values)
    except CrmError as error:
        return type(error).__name__
    finally:
        savepoint.rollback()
    return "done"


def _deals(sales: Sales) -> dict[str, Opportunity]:
    """One in each state: open, won, lost."""
    stages, price = sales.stages, sales.reasons["Price"].id
    return {
        "open": sales.deal(amount=Decimal(5)),
        "won": sales.deal(amount=Decimal(5), stage_id=stages["Won"].id),
        "lost": sales.deal(amount=Decimal(5), stage_id=stages["Lost"].id, lost_reason_id=price),
    }


@pytest.mark.parametrize(
    ("verb", "state", "target"),
    [
        ("win", "open", "Won"),
        ("lose", "open", "Lost"),
        ("reopen", "won", "Proposal"),
        ("reopen", "lost", "Waiting"),
        ("move", "open", "Proposal"),
        ("move", "open", "Waiting"),
    ],
)
def test_a_stage_written_by_hand_needs_the_right_to_the_verb(sales: Sales, verb: str, state: str, target: str) -> None:
    deal = _deals(sales)[state]
    sent = {"stage_id": sales.stages[target].id}
    if target == "Lost":
        sent["lost_reason_id"] = sales.reasons["Price"].id
    others = {f"{other}_opportunity": Scope.ALL for other in ("win", "lose", "reopen", "move") if other != verb}
    with as_somebody(sales, **others):
        assert outcome(sales, deal, **sent) == "Forbidden"
        assert outcome(sales, deal, description="An edit of something else") == "done"
    with as_somebody(sales, **{f"{verb}_opportunity": Scope.OWN}):
        assert outcome(sales, deal, **sent) == "Forbidden"  # it is somebody else's
    with as_somebody(sales, **{f"{verb}_opportunity": Scope.ALL}):
        assert outcome(sales, deal, **sent) == "done"


def test_another_pipeline_is_a_move_too(sales: Sales) -> None:
    deal = sales.deal()
    there = {"pipeline_id": sales.other.pipeline_id, "stage_id": sales.other.id}
    with as_somebody(sales):
        assert outcome(sales, deal, **there) == "Forbidden"
    with as_somebody(sales, move_opportunity=Scope.ALL):
        assert outcome(sales, deal, **there) == "done"


def test_the_rights_of_two_verbs_do_not_close_a_closed_deal_another_way(sales: Sales) -> None:
    won = _deals(sales)["won"]
    sent = {"stage_id": sales.stages["Lost"].id, "lost_reason_id": sales.reasons["Price"].id}
    with as_somebody(sales, lose_opportunity=Scope.ALL, reopen_opportunity=Scope.ALL):
        assert outcome(sales, won, **sent) == "Conflict"


@pytest.mark.parametrize(("verb", "stage"), [("win", "Won"), ("lose", "Lost")])
def test_a_deal_is_made_closed_only_by_those_who_may_close_it(sales: Sales, verb: str, stage: str) -> None:
    sent = {"name": "New", "stage_id": sales.stages[stage].id, "amount": Decimal(5)}
    sent |= {"lost_reason_id": sales.reasons["Price"].id} if stage == "Lost" else {}
    with as_somebody(sales):
        assert sales.deal(stage_id=sales.stages["Proposal"].id).closed_at is None
        with pytest.raises(Forbidden), sales.session.begin_nested():
            records.create(sales.session, Opportunity, sent)
    with as_somebody(sales, **{f"{verb}_opportunity": Scope.OWN}):
        assert records.create(sales.session, Opportunity, sent).closed_at is not None


def test_many_at_once_are_no_back_door(sales: Sales) -> None:
    deal, won = sales.deal(amount=Decimal(5)), sales.stages["Won"].id
    for sent in (
        {"update": [{"id": deal.id, "stageId": won}]},
        {"create": [{"name": "New", "stageId": won, "amount": "5"}]},
    ):
        changes = bulk.read_changes(Opportunity, sent)
        with as_somebody(sales), pytest.raises(BadInput, match="Forbidden"), sales.session.begin_nested():
            bulk.apply(sales.session, Opportunity, changes)
    sales.session.expire_all()
    assert access.find(sales.session, Opportunity, deal.id).closed_at is None
