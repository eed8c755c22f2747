"""A company (or person) that buys, or may buy."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import choice, now
from crm.entity import Entity
from crm.models.base import Record, Searchable, Trashable
from crm.models.category import Category
from crm.models.owned import Owned
from crm.models.tag import Tag, tag_link

customer_tag = tag_link("customer")


class CustomerStatus(StrEnum):
    """Where the relation with the customer stands."""

    PROSPECT = "prospect"
    ACTIVE = "active"
    AT_RISK = "at_risk"
    DORMANT = "dormant"
    CHURNED = "churned"


class Rating(StrEnum):
    """How much attention the customer deserves."""

    A = "a"
    B = "b"
    C = "c"
    D = "d"


class Customer(Owned, Trashable, Searchable, Record):
    """Companies may have a parent company; what happens with them stands in interactions and opportunities."""

    __tablename__ = "customer"
    __table_args__ = (Index("ix_customer_name", "name"),)
    __entity__ = Entity(
        section="Sales",
        icon="building",
        list=("name", "status", "industry_id", "rating", "city", "phone", "owner_id", "created_at"),
        form=(
            *(
                "name",
                "legal_name",
                "status",
                "status_reason",
                "industry_id",
                "rating",
                "source",
                "parent_id",
                "website",
                "domain",
            ),
            *("phone", "address", "city", "country", "size", "annual_revenue", "currency", "description"),
            *("tags", "owner_id", "team_id"),
        ),
        search=("name", "legal_name", "domain", "phone", "city"),
        filters=(
            *("status", "industry_id", "rating", "source", "city", "country", "owner_id", "team_id"),
            *("parent_id", "tags", "name", "external_id", "created_at", "updated_at"),
        ),
        sort=("name", "status", "created_at", "updated_at"),
        owner="owner_id",
    )

    name: Mapped[str] = mapped_column(String(200), doc="Name the customer goes by.")
    legal_name: Mapped[str] = mapped_column(String(200), default="", doc="Registered name.")
    status: Mapped[CustomerStatus] = mapped_column(
        choice(CustomerStatus), default=CustomerStatus.PROSPECT, index=True, doc="Where the relation stands."
    )
    status_reason: Mapped[str] = mapped_column(String(300), default="", doc="Why the relation stands there.")
    status_since: Mapped[datetime] = mapped_column(default=now, doc="Since when the relation stands there.")
    industry_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"), index=True, doc="Industry, a category.")
    rating: Mapped[Rating | None] = mapped_column(choice(Rating), index=True, doc="How much attention it deserves.")
    source: Mapped[str] = mapped_column(String(60), default="", index=True, doc="Where it was found.")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True, doc="Parent company.")
    website: Mapped[str] = mapped_column(String(300), default="", doc="Address of its web site.")
    domain: Mapped[str] = mapped_column(String(120), default="", doc="Domain of its e-mail addresses.")
    phone: Mapped[str] = mapped_column(String(40), default="", doc="Telephone number.")
    address: Mapped[str] = mapped_column(String(300), default="", doc="Street and number.")
    city: Mapped[str] = mapped_column(String(120), default="", index=True, doc="City.")
    country: Mapped[str] = mapped_column(String(60), default="", index=True, doc="Country.")
    size: Mapped[int | None] = mapped_column(doc="Number of employees.")
    annual_revenue: Mapped[Decimal | None] = mapped_column(doc="Revenue a year.")
    currency: Mapped[str] = mapped_column(String(3), default="USD", doc="Currency of the revenue, ISO 4217.")
    description: Mapped[str] = mapped_column(String(4000), default="", doc="What is worth knowing.")
    external_id: Mapped[str | None] = mapped_column(
        String(80), unique=True, index=True, doc="Number in the system it was loaded from."
    )

    industry: Mapped[Category | None] = relationship(foreign_keys=[industry_id])
    parent: Mapped[Customer | None] = relationship(remote_side="Customer.id", foreign_keys=[parent_id])
    tags: Mapped[list[Tag]] = relationship(secondary=customer_tag, order_by=Tag.id)
