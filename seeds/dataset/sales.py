"""The pipeline of the data set, its products, its customers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.models.base import Base
from crm.models.customer import Customer, CustomerStatus
from crm.models.lost_reason import LostReason
from crm.models.pipeline import Pipeline
from crm.models.product import Product
from crm.models.stage import ForecastCategory, Stage, StageCategory
from seeds.bulk import insert_rows, search_words
from seeds.dataset.report import Report
from seeds.dataset.rows import Account, Item

PIPELINE = "Public CRM data set"
NOT_RECORDED = "Not recorded"
_STAGES = {
    "open": ("Prospecting", StageCategory.OPEN, "0.1", ForecastCategory.PIPELINE, 14, "blue"),
    "won": ("Closed Won", StageCategory.WON, "1", ForecastCategory.CLOSED, None, "green"),
    "lost": ("Closed Lost", StageCategory.LOST, "0", ForecastCategory.OMITTED, None, "red"),
}


@dataclass(frozen=True, slots=True)
class Way:
    """The pipeline, its stages by outcome (open, won, lost), and the reason of the lost ones."""

    pipeline_id: int
    stages: dict[str, Stage]
    lost_reason_id: int


def load_pipeline(session: Session, report: Report) -> Way:
    """A pipeline of the data set's own, so that its deals stand apart from ours."""
    pipeline = session.scalar(select(Pipeline).where(Pipeline.name == PIPELINE))
    if pipeline is None:
        pipeline = Pipeline(name=PIPELINE, description="Fictitious deals of 2016 and 2017, as published.")
        session.add(pipeline)
        report.added["pipeline"] += 1
    reason = session.scalar(select(LostReason).where(LostReason.name == NOT_RECORDED))
    if reason is None:
        reason = LostReason(name=NOT_RECORDED)
        session.add(reason)
    session.flush()
    there = {stage.category: stage for stage in session.scalars(select(Stage).where(Stage.pipeline_id == pipeline.id))}
    stages = {outcome: there.get(kind[1]) or _stage(pipeline, outcome) for outcome, kind in _STAGES.items()}
    session.add_all(stages.values())
    session.flush()
    return Way(pipeline.id, stages, reason.id)


def _stage(pipeline: Pipeline, outcome: str) -> Stage:
    name, category, probability, forecast, days, colour = _STAGES[outcome]
    return Stage(
        name=name,
        pipeline_id=pipeline.id,
        position=list(_STAGES).index(outcome) + 1,
        category=category,
        default_probability=Decimal(probability),
        forecast_category=forecast,
        expected_days=days,
        colour=colour,
    )


def load_products(session: Session, items: Sequence[Item], report: Report) -> dict[str, str]:
    """Products that are not there yet; the name of each, by its name in lower case."""
    there = set(session.scalars(select(Product.code)))
    new = [item for item in items if item.name not in there]
    session.add_all(Product(name=item.name, code=item.name, unit_price=item.price) for item in new)
    report.added["product"] += len(new)
    report.present["product"] += len(items) - len(new)
    session.flush()
    return {item.name.casefold(): item.name for item in items}


def load_customers(session: Session, accounts: Sequence[Account], buyers: set[str], report: Report) -> dict[str, int]:
    """Customers that are not there yet; numbers by name in lower case.  `buyers` have won deals: they are active."""
    there = numbers_of(session, Customer, [account.name for account in accounts])
    new = [account for account in accounts if account.name not in there]
    made = insert_rows(session, Base.metadata.tables["customer"], [_customer(a, buyers) for a in new])
    report.added["customer"] += len(new)
    report.present["customer"] += len(accounts) - len(new)
    there |= {account.name: number for account, number in zip(new, made, strict=True)}
    return {name.casefold(): number for name, number in there.items()}


def numbers_of(session: Session, model: type[Any], external_ids: Iterable[str]) -> dict[str, int]:
    """External number → our number, of those that are there, also in the trash."""
    found = select(model.external_id, model.id).where(model.external_id.is_not(None))
    wanted = set(external_ids)
    there = session.execute(found, execution_options={"trash": "any"})
    return {external: number for external, number in there if external in wanted}


def _customer(account: Account, buyers: set[str]) -> dict[str, Any]:
    moment = now()
    row = {
        "name": account.name,
        "annual_revenue": account.revenue,
        "currency": "USD",
        "size": account.employees,
        "status": CustomerStatus.ACTIVE if account.name.casefold() in buyers else CustomerStatus.PROSPECT,
        "external_id": account.name,
        "created_at": moment,
        "updated_at": moment,
        "version": 1,
    }
    return row | {"search_text": search_words(Customer, row)}
