"""The default pipeline with its stages, and why deals are lost."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.models.lost_reason import LostReason
from crm.models.pipeline import Pipeline
from crm.models.stage import ForecastCategory, Stage, StageCategory
from crm.services import records

#: name, chance to win, expected days, what it means, how sure the money is, colour
STAGES = (
    ("Prospecting", "0.1", 14, StageCategory.OPEN, ForecastCategory.PIPELINE, "blue"),
    ("Qualification", "0.2", 14, StageCategory.OPEN, ForecastCategory.PIPELINE, "azure"),
    ("Proposal", "0.5", 10, StageCategory.OPEN, ForecastCategory.BEST_CASE, "indigo"),
    ("Negotiation", "0.8", 10, StageCategory.OPEN, ForecastCategory.COMMIT, "purple"),
    ("Closed Won", "1", None, StageCategory.WON, ForecastCategory.CLOSED, "green"),
    ("Closed Lost", "0", None, StageCategory.LOST, ForecastCategory.OMITTED, "red"),
)
#: reason, and whether it must be explained
LOST_REASONS = (
    ("Price", False),
    ("Competitor", True),
    ("No budget", False),
    ("No decision", False),
    ("Missing feature", True),
    ("Bad timing", False),
    ("No contact any more", False),
    ("Other", True),
)


def load(session: Session) -> None:
    """Into empty tables only: what people deleted or renamed does not come back."""
    if _is_empty(session, Pipeline):
        _pipeline(session)
    if _is_empty(session, LostReason):
        for name, requires_note in LOST_REASONS:
            records.create(session, LostReason, {"name": name, "requires_note": requires_note})


def _pipeline(session: Session) -> None:
    values = {"name": "Sales pipeline", "description": "New business.", "is_default": True}
    pipeline = records.create(session, Pipeline, values)
    for position, (name, chance, days, category, forecast, colour) in enumerate(STAGES, 1):
        stage = {"name": name, "pipeline_id": pipeline.id, "position": position * 10, "category": category}
        stage |= {"default_probability": Decimal(chance), "forecast_category": forecast}
        records.create(session, Stage, stage | {"expected_days": days, "colour": colour})


def _is_empty(session: Session, model: type[Pipeline] | type[LostReason]) -> bool:
    return session.scalar(select(model.id).limit(1), execution_options={"trash": "any"}) is None
