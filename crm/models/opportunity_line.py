"""One product in a deal: how many, at what price, less what discount."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import Fraction, Quantity, filled_by_rule
from crm.entity import Entity
from crm.models.base import Record
from crm.models.opportunity import Opportunity
from crm.models.product import Product


class OpportunityLine(Record):
    """Prices are in the currency of the deal; `total` is quantity x price, less the discount, rounded to cents."""

    __tablename__ = "opportunity_line"
    __entity__ = Entity(
        section="Sales",
        icon="list-details",
        label="name",
        list=("name", "opportunity_id", "product_id", "quantity", "unit_price", "discount", "total"),
        form=("opportunity_id", "product_id", "name", "quantity", "unit_price", "discount", "position"),
        filters=("opportunity_id", "product_id", "created_at", "updated_at"),
        sort=("position", "created_at", "updated_at"),
        order="position",
        through="opportunity",
    )

    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id"), index=True, doc="The deal.")
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"), index=True, doc="The product.")
    name: Mapped[str] = mapped_column(
        String(200), default=filled_by_rule, doc="What is sold; the product's name if left out."
    )
    quantity: Mapped[Decimal] = mapped_column(Quantity(), default=Decimal(1), doc="How many.")
    unit_price: Mapped[Decimal] = mapped_column(default=filled_by_rule, doc="Price of one; the product's if left out.")
    discount: Mapped[Decimal] = mapped_column(Fraction(), default=Decimal(0), doc="Discount, 0 to 1.")
    total: Mapped[Decimal] = mapped_column(default=filled_by_rule, doc="What the line comes to.")
    position: Mapped[int] = mapped_column(default=0, index=True, doc="Place in the deal, smallest first.")

    opportunity: Mapped[Opportunity] = relationship(foreign_keys=[opportunity_id])
    product: Mapped[Product | None] = relationship(foreign_keys=[product_id])
