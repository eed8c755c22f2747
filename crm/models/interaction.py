"""Something that happened with a customer: a call, a meeting, a mail, a note."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import choice, now
from crm.entity import Entity
from crm.models.base import Record, Searchable, Trashable
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.opportunity import Opportunity
from crm.models.owned import Owned


class InteractionKind(StrEnum):
    """How we were in touch."""

    CALL = "call"
    MEETING = "meeting"
    EMAIL = "email"
    NOTE = "note"
    MESSAGE = "message"
    VISIT = "visit"


class Direction(StrEnum):
    """Who began."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Interaction(Owned, Trashable, Searchable, Record):
    """One entry of the timeline, linked to the contact, the customer and the deal it was about."""

    __tablename__ = "interaction"
    __table_args__ = tuple(
        Index(f"ix_interaction_{link}_occurred_at_id", link, "occurred_at", "id")
        for link in ("customer_id", "contact_id", "opportunity_id")
    )
    __entity__ = Entity(
        section="Sales",
        icon="messages",
        label="subject",
        list=("subject", "kind", "direction", "customer_id", "contact_id", "owner_id", "occurred_at"),
        form=(
            *("kind", "direction", "subject", "body", "occurred_at", "duration_minutes", "outcome"),
            *("customer_id", "contact_id", "opportunity_id", "owner_id", "team_id"),
        ),
        search=("subject", "body", "outcome"),
        filters=(
            *("kind", "customer_id", "contact_id", "opportunity_id", "owner_id", "team_id"),
            *("occurred_at", "created_at"),
        ),
        sort=("occurred_at", "created_at"),
        order="-occurred_at",
        owner="owner_id",
    )

    kind: Mapped[InteractionKind] = mapped_column(
        choice(InteractionKind), default=InteractionKind.NOTE, index=True, doc="How we were in touch."
    )
    direction: Mapped[Direction] = mapped_column(choice(Direction), default=Direction.OUTBOUND, doc="Who began.")
    subject: Mapped[str] = mapped_column(String(200), doc="What it was about.")
    body: Mapped[str] = mapped_column(Text, default="", doc="What was said.")
    occurred_at: Mapped[datetime] = mapped_column(default=now, index=True, doc="When it happened.")
    duration_minutes: Mapped[int | None] = mapped_column(doc="How long it took, in minutes.")
    outcome: Mapped[str] = mapped_column(String(300), default="", doc="What came of it.")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), doc="Customer.")
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), doc="Person.")
    opportunity_id: Mapped[int | None] = mapped_column(ForeignKey("opportunity.id"), doc="Deal.")

    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])
    contact: Mapped[Contact | None] = relationship(foreign_keys=[contact_id])
    opportunity: Mapped[Opportunity | None] = relationship(foreign_keys=[opportunity_id])
