"""Stages and pipelines: what they may ask for, and what deals keep from changing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import select

from crm import access
from crm.actor import system
from crm.db import Database
from crm.errors import BadInput, Conflict, CrmError
from crm.models import Opportunity, Pipeline, Stage
from crm.models.stage import StageCategory
from crm.services import opportunity_moves, records
from tests.services.sales import Sales, department


@pytest.fixture
def sales(database: Database) -> Iterator[Sales]:
    with database.transaction(system("test")) as session:
        yield department(session)


def test_a_stage_asks_for_fields_of_a_deal_in_either_spelling(sales: Sales) -> None:
    stage = sales.stages["Proposal"]
    sales.change(stage, required_fields=["amount", "next_step", "nextStep", "tagIds"])
    assert stage.required_fields == ["amount", "nextStep", "tagIds"]
    for wrong in ("stageId", "colour", "probability", {"a": 1}):
        with pytest.raises(BadInput, match="is not a field of a deal"), sales.session.begin_nested():
            sales.change(stage, required_fields=[wrong])


def test_a_deal_is_expected_to_stay_a_day_to_ten_years(sales: Sales) -> None:
    stage = sales.stages["Proposal"]
    for days in (1, 3660, None):
        sales.change(stage, expected_days=days)
    for days in (0, -1, 3661, 2**31 - 1):
        with pytest.raises(BadInput, match=r"expectedDays: must .* from 1 to 3660"), sales.session.begin_nested():
            sales.change(stage, expected_days=days)


def test_a_stage_with_deals_stays_and_says_how_many(sales: Sales) -> None:
    deal, _ = sales.deal(), sales.deal()
    with pytest.raises(Conflict, match=r"those in the trash included: 2\."), sales.session.begin_nested():
        records.delete(sales.session, sales.stages["Prospecting"])
    records.delete(sales.session, deal)
    with pytest.raises(Conflict, match=": 2"), sales.session.begin_nested():
        records.delete(sales.session, sales.stages["Prospecting"])
    records.delete(sales.session, sales.stages["Qualification"])


def test_what_a_stage_means_stays_once_deals_have_been_in_it(sales: Sales) -> None:
    deal, stage = sales.deal(), sales.stages["Prospecting"]
    for category in (StageCategory.WON, StageCategory.LOST):
        with pytest.raises(Conflict, match="What the stage means"), sales.session.begin_nested():
            sales.change(stage, category=category)
    opportunity_moves.move(sales.session, deal, stage_id=sales.stages["Proposal"].id)
    with pytest.raises(Conflict, match=": 1"), sales.session.begin_nested():
        sales.change(stage, category=StageCategory.WON)
    sales.change(stage, category=StageCategory.ON_HOLD)
    with pytest.raises(Conflict, match="stays in its pipeline"), sales.session.begin_nested():
        sales.change(stage, pipeline_id=sales.other.pipeline_id)
    sales.change(sales.stages["Qualification"], category=StageCategory.LOST)


def test_a_pipeline_keeps_an_open_stage(sales: Sales) -> None:
    stages = sales.stages
    sales.change(stages["Prospecting"], category=StageCategory.ON_HOLD)
    records.delete(sales.session, stages["Qualification"])
    with pytest.raises(Conflict, match="at least one open stage"), sales.session.begin_nested():
        records.delete(sales.session, stages["Proposal"])
    for change in ({"category": StageCategory.ON_HOLD}, {"pipeline_id": sales.other.pipeline_id}):
        with pytest.raises(Conflict, match="at least one open stage"), sales.session.begin_nested():
            sales.change(stages["Proposal"], **change)
    records.delete(sales.session, sales.other)  # all that its pipeline has, and nobody uses it


def test_a_pipeline_with_deals_stays_and_so_does_the_default_one(sales: Sales) -> None:
    with pytest.raises(Conflict, match="make another one the default first"), sales.session.begin_nested():
        records.delete(sales.session, sales.pipeline)
    sales.deal(stage_id=sales.other.id)
    renewals = sales.session.get_one(Pipeline, sales.other.pipeline_id)
    with pytest.raises(Conflict, match="Deals in this pipeline, those in the trash included: 1"):
        records.delete(sales.session, renewals)


def test_exactly_one_pipeline_is_the_default(sales: Sales) -> None:
    renewals = sales.session.get_one(Pipeline, sales.other.pipeline_id)
    sales.change(renewals, is_default=True)
    assert (sales.pipeline.is_default, renewals.is_default) == (False, True)
    with pytest.raises(BadInput, match="isDefault: make another pipeline the default"), sales.session.begin_nested():
        sales.change(renewals, is_default=False)
    made = records.create(sales.session, Pipeline, {"name": "Partners", "is_default": True})
    defaults = sales.session.scalars(select(Pipeline).where(Pipeline.is_default)).all()
    assert defaults == [made]


def test_of_several_pipelines_made_default_at_once_one_is_left(database: Database) -> None:
    with database.transaction(system("test")) as session:
        department(session)
        keys = [records.create(session, Pipeline, {"name": f"Pipeline {n}"}).id for n in range(6)]

    def choose(key: int) -> bool:
        try:
            with database.transaction(system("test")) as session:
                records.update(session, access.find(session, Pipeline, key, lock=True), {"is_default": True})
        except CrmError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert any(pool.map(choose, keys))
    with database.read_only(system("test")) as session:
        [default] = session.scalars(select(Pipeline).where(Pipeline.is_default)).all()
        assert default.id in keys


def test_reasons_and_products_in_use_cannot_be_deleted_for_good(sales: Sales) -> None:
    deal = sales.deal()
    sales.line(deal, product_id=sales.products["Licence"].id)
    opportunity_moves.lose(sales.session, deal, lost_reason_id=sales.reasons["Price"].id)
    for used in (sales.products["Licence"], sales.reasons["Price"]):
        records.delete(sales.session, used)
        with pytest.raises(Conflict, match="while other records refer to it"), sales.session.begin_nested():
            records.purge(sales.session, used)
        records.restore(sales.session, used)
        sales.change(used, active=False)
    assert deal.lost_reason is sales.reasons["Price"]


def test_of_several_who_close_a_deal_at_once_one_wins(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = department(session)
        key, reason = made.deal(amount=Decimal(5)).id, made.reasons["Price"].id

    def close(number: int) -> str:
        try:
            with database.transaction(system("test")) as session:
                deal = access.find(session, Opportunity, key, lock=True)
                if number % 2:
                    opportunity_moves.win(session, deal)
                else:
                    opportunity_moves.lose(session, deal, lost_reason_id=reason)
        except Conflict:
            return "refused"
        return "done"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(close, range(8))) == ["done", *["refused"] * 7]
    with database.read_only(system("test")) as session:
        stage = session.get_one(Stage, session.get_one(Opportunity, key).stage_id)
        assert stage.category in (StageCategory.WON, StageCategory.LOST)
