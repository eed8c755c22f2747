"""What changed on a deal, and when: the source of every figure about the past."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import choice
from crm.entity import Entity
from crm.models.base import Stamped
from crm.models.opportunity import Opportunity
from crm.models.stage import Stage
from crm.models.user import User


class OpportunityChange(StrEnum):
    """What changed."""

    CREATED = "created"
    STAGE = "stage"
    AMOUNT = "amount"
    PROBABILITY = "probability"
    CLOSE_DATE = "close_date"
    OWNER = "owner"
    REOPENED = "reopened"
    CLOSED = "closed"


class OpportunityHistory(Stamped):
    """Append-only; `seconds_in_stage` is how long the deal had been in the stage it left."""

    __tablename__ = "opportunity_history"
    __table_args__ = (Index("ix_opportunity_history_opportunity_id_created_at", "opportunity_id", "created_at"),)
    __entity__ = Entity(
        section="Sales",
        icon="history",
        label="change",
        list=("opportunity_id", "change", "before", "after", "seconds_in_stage", "changed_by", "created_at"),
        filters=("opportunity_id", "change", "to_stage_id", "created_at"),
        sort=("created_at",),
        through="opportunity",
        verbs=(),
        audit=False,
    )

    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id"), index=True, doc="The deal.")
    change: Mapped[OpportunityChange] = mapped_column(choice(OpportunityChange), index=True, doc="What changed.")
    before: Mapped[str | None] = mapped_column(String(200), doc="Value before, as text.")
    after: Mapped[str | None] = mapped_column(String(200), doc="Value after, as text.")
    from_stage_id: Mapped[int | None] = mapped_column(ForeignKey("stage.id"), doc="Stage it left.")
    to_stage_id: Mapped[int | None] = mapped_column(ForeignKey("stage.id"), index=True, doc="Stage it entered.")
    seconds_in_stage: Mapped[int | None] = mapped_column(BigInteger, doc="Seconds spent in the stage it left.")
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"), doc="Who changed it; empty: the system.")

    opportunity: Mapped[Opportunity] = relationship(foreign_keys=[opportunity_id])
    from_stage: Mapped[Stage | None] = relationship(foreign_keys=[from_stage_id])
    to_stage: Mapped[Stage | None] = relationship(foreign_keys=[to_stage_id])
    author: Mapped[User | None] = relationship(foreign_keys=[changed_by])
