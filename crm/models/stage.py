"""One step of a pipeline."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import Document, Fraction, choice
from crm.entity import Entity
from crm.models.base import Record, Trashable, live_unique
from crm.models.pipeline import Pipeline


class StageCategory(StrEnum):
    """What a stage means, whatever it is called."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"
    ON_HOLD = "on_hold"


class ForecastCategory(StrEnum):
    """How sure the money is."""

    OMITTED = "omitted"
    PIPELINE = "pipeline"
    BEST_CASE = "best_case"
    COMMIT = "commit"
    CLOSED = "closed"


class Stage(Trashable, Record):
    """Figures go by `category`, never by the name, so that renaming a stage changes no report."""

    __tablename__ = "stage"
    __table_args__ = (
        live_unique(
            "uq_stage_pipeline_id_name", "pipeline_id", "name", message="Stage name already exists in the pipeline"
        ),
    )
    __entity__ = Entity(
        section="Settings",
        icon="stairs",
        list=("name", "pipeline_id", "position", "category", "default_probability", "forecast_category"),
        form=(
            *("name", "pipeline_id", "position", "category", "default_probability", "forecast_category"),
            *("expected_days", "required_fields", "colour"),
        ),
        filters=("pipeline_id", "category", "position", "created_at"),
        sort=("position", "created_at"),
        order="position",
    )

    name: Mapped[str] = mapped_column(String(80), doc="Name of the stage.")
    pipeline_id: Mapped[int] = mapped_column(ForeignKey("pipeline.id"), index=True, doc="Pipeline it belongs to.")
    position: Mapped[int] = mapped_column(default=0, index=True, doc="Place in the pipeline, smallest first.")
    category: Mapped[StageCategory] = mapped_column(
        choice(StageCategory), default=StageCategory.OPEN, index=True, doc="What it means: open, won, lost or on hold."
    )
    default_probability: Mapped[Decimal] = mapped_column(
        Fraction(), default=Decimal(0), doc="Chance to win from here, 0 to 1."
    )
    forecast_category: Mapped[ForecastCategory] = mapped_column(
        choice(ForecastCategory), default=ForecastCategory.PIPELINE, doc="How sure the money is."
    )
    expected_days: Mapped[int | None] = mapped_column(doc="Days a deal usually stays.")
    required_fields: Mapped[list[Any]] = mapped_column(
        Document, default=list, doc="Fields that must be filled before a deal enters."
    )
    colour: Mapped[str] = mapped_column(String(16), default="grey", doc="Colour it is shown in.")

    pipeline: Mapped[Pipeline] = relationship(back_populates="stages", foreign_keys=[pipeline_id])
