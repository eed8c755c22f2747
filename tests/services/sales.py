"""A sales department in a session: pipelines with every kind of stage, reasons, products, and deals by one call."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.models import LostReason, Opportunity, OpportunityHistory, OpportunityLine, Pipeline, Product, Stage
from crm.models.stage import ForecastCategory, StageCategory
from crm.services import records

#: name, category, chance, expected days, how sure the money is
STAGES = (
    ("Prospecting", StageCategory.OPEN, "0.1", 14, ForecastCategory.PIPELINE),
    ("Qualification", StageCategory.OPEN, "0.2", 14, ForecastCategory.PIPELINE),
    ("Proposal", StageCategory.OPEN, "0.5", 10, ForecastCategory.BEST_CASE),
    ("Waiting", StageCategory.ON_HOLD, "0.5", None, ForecastCategory.BEST_CASE),
    ("Won", StageCategory.WON, "1", None, ForecastCategory.CLOSED),
    ("Lost", StageCategory.LOST, "0", None, ForecastCategory.OMITTED),
)


@dataclass
class Sales:
    """`stages`, `reasons` and `products` by name; `other` is a stage of another pipeline."""

    session: Session
    pipeline: Pipeline
    other: Stage
    stages: dict[str, Stage] = field(default_factory=dict)
    reasons: dict[str, LostReason] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)

    def deal(self, **values: Any) -> Opportunity:
        made: Opportunity = records.create(self.session, Opportunity, {"name": "Deal", **values})
        return made

    def line(self, deal: Opportunity, **values: Any) -> OpportunityLine:
        given = {"opportunity_id": deal.id, **values}
        made: OpportunityLine = records.create(self.session, OpportunityLine, given)
        return made

    def change(self, record: Any, **values: Any) -> None:
        records.update(self.session, record, values)

    def history(self, deal: Opportunity) -> list[OpportunityHistory]:
        rows = select(OpportunityHistory).where(OpportunityHistory.opportunity_id == deal.id)
        return list(self.session.scalars(rows.order_by(OpportunityHistory.id)))


def department(session: Session) -> Sales:
    """Everything made anew."""
    pipeline, renewals = Pipeline(name="New business", is_default=True), Pipeline(name="Renewals")
    session.add_all([pipeline, renewals])
    session.flush()
    other = Stage(name="Renewal due", pipeline_id=renewals.id)
    made = Sales(session, pipeline, other)
    for position, (name, category, chance, days, forecast) in enumerate(STAGES):
        stage = Stage(name=name, category=category, default_probability=Decimal(chance), expected_days=days)
        stage.pipeline_id, stage.position, stage.forecast_category = pipeline.id, position, forecast
        made.stages[name] = stage
    made.reasons = {"Price": LostReason(name="Price"), "Other": LostReason(name="Other", requires_note=True)}
    made.reasons["Old"] = LostReason(name="Old", active=False)
    made.products = {
        "Licence": Product(name="Licence", code="L", unit_price=Decimal("99.99")),
        "Gateway": Product(name="Gateway", code="G", unit_price=Decimal(12800), currency="CNY"),
        "Retired": Product(name="Retired", code="R", unit_price=Decimal(5), active=False),
        "Service": Product(name="Service", code="S"),
    }
    everything = [other, *made.stages.values(), *made.reasons.values(), *made.products.values()]
    session.add_all(everything)
    session.flush()
    return made
