"""Something we sell."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.entity import Entity
from crm.models.base import Record, Searchable, Trashable, live_unique


class Product(Trashable, Searchable, Record):
    """The unit price is the list price; what a deal pays stands on the deal."""

    __tablename__ = "product"
    __table_args__ = (
        live_unique("uq_product_code", "code", message="Product code already exists"),
        Index("ix_product_name", "name"),
    )
    __entity__ = Entity(
        section="Settings",
        icon="box",
        list=("name", "code", "unit_price", "currency", "active", "created_at"),
        form=("name", "code", "unit_price", "currency", "active", "description"),
        search=("name", "code"),
        filters=("name", "code", "active", "created_at"),
        sort=("name", "code", "created_at"),
        order="name",
    )

    name: Mapped[str] = mapped_column(String(120), doc="Name of the product.")
    code: Mapped[str] = mapped_column(String(60), doc="Article number.")
    unit_price: Mapped[Decimal | None] = mapped_column(doc="List price of one.")
    currency: Mapped[str] = mapped_column(String(3), default="USD", doc="Currency of the price, ISO 4217.")
    active: Mapped[bool] = mapped_column(default=True, index=True, doc="For sale.")
    description: Mapped[str] = mapped_column(String(2000), default="", doc="What it is.")
