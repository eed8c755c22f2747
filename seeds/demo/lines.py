"""What an invented deal is made of: lines of products in its currency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from random import Random

from crm.expressions import share
from crm.models.product import Product
from seeds.bulk import Row

_DISCOUNTS = (Decimal(0), Decimal(0), Decimal(0), Decimal("0.05"), Decimal("0.1"), Decimal("0.125"))
_MOST = 3


def sold(random: Random, products: Sequence[Product], currency: str) -> list[Row]:
    """One to three different products; nothing where none is sold in that currency."""
    offered = [product for product in products if product.currency == currency]
    chosen = random.sample(offered, min(len(offered), random.randint(1, _MOST)))
    return [_line(random, product, place) for place, product in enumerate(chosen)]


def _line(random: Random, product: Product, place: int) -> Row:
    price, quantity = product.unit_price or Decimal(0), Decimal(random.randint(1, 12))
    discount = random.choice(_DISCOUNTS)
    return {
        "product_id": product.id,
        "name": product.name,
        "quantity": quantity,
        "unit_price": price,
        "discount": discount,
        "total": share(quantity * price, 1 - discount),
        "position": place,
    }


def worth(lines: Sequence[Row]) -> Decimal:
    """What the lines come to."""
    return sum((line["total"] for line in lines), Decimal(0))


def rows(lines: Sequence[Row], number: int, owner_id: int | None, at: datetime) -> Iterator[Row]:
    """The lines of the deal `number` as they are stored; written down by its owner at that moment."""
    common = {"opportunity_id": number, "created_by": owner_id, "created_at": at, "updated_at": at, "version": 1}
    yield from (line | common for line in lines)
