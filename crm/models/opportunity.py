"""A deal that may be won."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import Fraction, choice, filled_by_rule, now
from crm.entity import Entity
from crm.models.base import Record, Searchable, Trashable
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.lost_reason import LostReason
from crm.models.opportunity_figures import Reckoned
from crm.models.owned import Owned
from crm.models.pipeline import Pipeline
from crm.models.stage import ForecastCategory, Stage
from crm.models.tag import Tag, tag_link

opportunity_tag = tag_link("opportunity")


class OpportunityType(StrEnum):
    """What kind of business it is."""

    NEW = "new"
    RENEWAL = "renewal"
    UPSELL = "upsell"
    CROSS_SELL = "cross_sell"


class Opportunity(Reckoned, Owned, Trashable, Searchable, Record):
    """May have no customer and no amount; the stage decides whether it is open, won or lost."""

    __tablename__ = "opportunity"
    __table_args__ = (
        Index("ix_opportunity_name", "name"),
        Index("ix_opportunity_stage_entered", "stage_id", "stage_entered_at"),
    )
    __entity__ = Entity(
        section="Sales",
        icon="target-arrow",
        list=("name", "customer_id", "stage_id", "amount", "currency", "expected_close_date", "owner_id", "created_at"),
        form=(
            *("name", "customer_id", "contact_id", "pipeline_id", "stage_id", "amount", "currency"),
            *("probability_override", "forecast_category_override", "expected_close_date", "type", "source"),
            *("next_step", "next_step_date", "lost_reason_id", "lost_notes", "description", "tags"),
            *("owner_id", "team_id"),
        ),
        search=("name", "description", "next_step"),
        filters=(
            *("customer_id", "contact_id", "pipeline_id", "stage_id", "amount", "expected_close_date", "closed_at"),
            *("type", "lost_reason_id", "next_step_date", "external_id", "owner_id", "team_id"),
            *("name", "created_at", "updated_at", "overdue", "stale", "probability", "weighted_amount", "age_days"),
        ),
        sort=(
            *("name", "amount", "expected_close_date", "closed_at", "created_at", "updated_at"),
            *("overdue", "stale", "probability", "weighted_amount", "age_days"),
        ),
        owner="owner_id",
    )

    name: Mapped[str] = mapped_column(String(200), doc="What the deal is about.")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True, doc="Who may buy.")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True, doc="Primary contact.")
    pipeline_id: Mapped[int] = mapped_column(
        ForeignKey("pipeline.id"), default=filled_by_rule, index=True, doc="Pipeline; the default one if left out."
    )
    stage_id: Mapped[int] = mapped_column(
        ForeignKey("stage.id"), default=filled_by_rule, index=True, doc="Stage; the first one if left out."
    )
    amount: Mapped[Decimal | None] = mapped_column(index=True, doc="What it is worth; may be unknown.")
    amount_by_hand: Mapped[bool] = mapped_column(
        default=False, doc="The amount was typed, and does not follow the lines."
    )
    currency: Mapped[str] = mapped_column(String(3), default="USD", doc="Currency of the amount, ISO 4217.")
    probability_override: Mapped[Decimal | None] = mapped_column(
        Fraction(), doc="Chance to win, 0 to 1; empty: the stage's default."
    )
    forecast_category_override: Mapped[ForecastCategory | None] = mapped_column(
        choice(ForecastCategory), doc="How sure the money is; empty: as the stage says."
    )
    expected_close_date: Mapped[date | None] = mapped_column(index=True, doc="Day it is expected to close.")
    closed_at: Mapped[datetime | None] = mapped_column(index=True, doc="When it was won or lost.")
    lost_reason_id: Mapped[int | None] = mapped_column(ForeignKey("lost_reason.id"), index=True, doc="Why it was lost.")
    lost_notes: Mapped[str] = mapped_column(String(2000), default="", doc="The loss, explained.")
    type: Mapped[OpportunityType] = mapped_column(
        choice(OpportunityType), default=OpportunityType.NEW, index=True, doc="Kind of business."
    )
    source: Mapped[str] = mapped_column(String(60), default="", doc="Where it came from.")
    next_step: Mapped[str] = mapped_column(String(300), default="", doc="What happens next.")
    next_step_date: Mapped[date | None] = mapped_column(index=True, doc="Day of the next step.")
    description: Mapped[str] = mapped_column(String(4000), default="", doc="What is worth knowing.")
    stage_entered_at: Mapped[datetime] = mapped_column(default=now, doc="When it entered its stage.")
    seconds_before_hold: Mapped[int] = mapped_column(
        BigInteger, default=0, doc="Seconds it had been in this stage before it was put on hold."
    )
    last_activity_at: Mapped[datetime | None] = mapped_column(doc="Last interaction or change of stage.")
    external_id: Mapped[str | None] = mapped_column(
        String(80), unique=True, index=True, doc="Number in the system it was loaded from."
    )

    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])
    contact: Mapped[Contact | None] = relationship(foreign_keys=[contact_id])
    pipeline: Mapped[Pipeline] = relationship(foreign_keys=[pipeline_id])
    stage: Mapped[Stage] = relationship(foreign_keys=[stage_id])
    lost_reason: Mapped[LostReason | None] = relationship(foreign_keys=[lost_reason_id])
    tags: Mapped[list[Tag]] = relationship(secondary=opportunity_tag, order_by=Tag.id)
