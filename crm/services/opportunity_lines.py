"""The products of a deal: what a line comes to."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy.orm import Session

from crm.entity import rule
from crm.errors import invalid
from crm.models.opportunity_line import OpportunityLine
from crm.models.product import Product


@rule(OpportunityLine)
def price(session: Session, line: OpportunityLine, changed: frozenset[str]) -> None:
    """Name and price are the product's unless they are sent; the total follows from quantity, price and discount."""
    product = session.get(Product, line.product_id) if line.product_id is not None else None
    if not line.name:
        line.name = product.name if product is not None else ""
    if line.unit_price is None:
        line.unit_price = (product.unit_price if product is not None else None) or Decimal(0)
    if not line.name:
        raise invalid("name", "is required where no product is given")
    quantity = Decimal(1) if line.quantity is None else line.quantity
    line.total = quantity * line.unit_price * (1 - (line.discount or 0))
