"""The default pipeline with its stages, and why deals are lost."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.models.lost_reason import LostReason
from crm.models.pipeline import Pipeline
from crm.models.stage import ForecastCategory, Stage, StageCategory

PIPELINE = "Sales pipeline"
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
        session.add_all(LostReason(name=name, requires_note=note) for name, note in LOST_REASONS)
    session.flush()


def _pipeline(session: Session) -> None:
    pipeline = Pipeline(name=PIPELINE, description="New business.", is_default=True)
    session.add(pipeline)
    for position, (name, chance, days, category, forecast, colour) in enumerate(STAGES, 1):
        stage = Stage(name=name, position=position * 10, category=category, default_probability=Decimal(chance))
        stage.forecast_category, stage.expected_days, stage.colour = forecast, days, colour
        pipeline.stages.append(stage)


def _is_empty(session: Session, model: type[Pipeline] | type[LostReason]) -> bool:
    return session.scalar(select(model.id).limit(1), execution_options={"trash": "any"}) is None
