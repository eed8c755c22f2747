"""The public data set, loaded and asked for at the API's door."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import func, select

from crm.models import Customer, Opportunity, Product, Stage, Team, User
from crm.models.stage import StageCategory
from seeds import dataset
from tests import public_data
from tests.clients import Caller, World

OLD = "createdAt[lt]=2018-01-01T00:00:00Z"


def _total(caller: Caller, query: str) -> int:
    return int(caller.data(f"/opportunities?{query}&pageSize=1")["pagination"]["total"])


@public_data.needed
def test_its_known_counts_and_sums_are_stored_and_come_out_of_the_api(world: World) -> None:
    assert dataset.load(world.database, public_data.FOLDER).problems == []
    _has_its_known_figures(world)
    admin = world.admin()
    assert _total(admin, OLD) == 14_277
    stages = {s["category"]: s["id"] for s in admin.data("/stages?pageSize=200")["list"] if _is_theirs(admin, s)}
    assert _total(admin, f"{OLD}&stageId={stages['won']}") == 6_438
    assert _total(admin, f"{OLD}&stageId={stages['lost']}") == 3_493
    assert _total(admin, f"{OLD}&closedAt[null]=true") == 4_346
    assert _total(admin, f"{OLD}&customerId[null]=true") == 5_393
    assert _total(admin, f"{OLD}&stageId={stages['won']}&amount[null]=true") == 19
    assert _sum_by_cursor(admin, f"{OLD}&stageId={stages['won']}&fields=amount,currency") == {
        "USD": Decimal("17936928.00")
    }


def _has_its_known_figures(world: World) -> None:
    with world.session() as session:
        early = Opportunity.created_at < datetime(2018, 1, 1, tzinfo=UTC)
        by_kind = select(Stage.category, func.count(), func.count(Opportunity.amount), func.sum(Opportunity.amount))
        by_kind = by_kind.select_from(Opportunity).join(Stage, Stage.id == Opportunity.stage_id)
        figures = {row[0]: tuple(row[1:]) for row in session.execute(by_kind.where(early).group_by(Stage.category))}
        assert figures == {
            StageCategory.WON: (6438, 6438 - 19, Decimal(17_936_928)),
            StageCategory.LOST: (3493, 0, None),
            StageCategory.OPEN: (4346, 0, None),
        }
        alone = select(func.count()).select_from(Opportunity).where(Opportunity.customer_id.is_(None))
        assert session.scalar(alone) == 5393
        counted = [
            session.scalar(select(func.count()).select_from(model))
            for model in (Opportunity, Customer, Product, User, Team)
        ]
        assert counted == [14277, 97, 8, 36, 9]


def _is_theirs(admin: Caller, stage: dict[str, int]) -> bool:
    """A stage of the data set's own pipeline."""
    return _total(admin, f"pipelineId={stage['pipelineId']}") == 14_277


def _sum_by_cursor(admin: Caller, query: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    following: str | None = ""
    while following is not None:
        page = admin.data(f"/opportunities?{query}&pageSize=200&cursor={following}")
        for deal in page["list"]:
            sums[deal["currency"]] = sums.get(deal["currency"], Decimal(0)) + Decimal(deal["amount"] or 0)
        following = page["pagination"]["nextCursor"]
    return sums
