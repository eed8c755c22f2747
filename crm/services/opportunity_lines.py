"""The products of a deal: what a line comes to, and what it makes of the deal's amount."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm import access
from crm.db import actor_of
from crm.entity import permission, rule
from crm.errors import Conflict, Forbidden, invalid
from crm.expressions import share
from crm.models.opportunity import Opportunity
from crm.models.opportunity_line import OpportunityLine
from crm.models.product import Product
from crm.services import opportunity_amounts, records
from crm.services.opportunity_amounts import LARGEST
from crm.services.stage_entry import CLOSED

_ANY: dict[str, Any] = {"unscoped": True, "trash": "any"}


@rule(OpportunityLine)
def price(session: Session, line: OpportunityLine, changed: frozenset[str]) -> None:
    """Name and price are the product's unless they are sent; the total, and the deal's amount, follow."""
    if not changed and not records.is_new(line):
        return
    deals = _locked(session, line)
    deal = deals[line.opportunity_id]
    if not may_change(session, deal, "create" if records.is_new(line) else "update"):
        raise Forbidden(access.NO_PERMISSION)
    _take_from_product(session, line, deal, changed)
    line.total = _total(line)
    for key, each in deals.items():
        plus = line.total if key == line.opportunity_id else None
        opportunity_amounts.follow(session, each, without=line.id, plus=plus)


@records.guard_delete(OpportunityLine)
def take_away(session: Session, line: OpportunityLine) -> None:
    """What is left decides the deal's amount."""
    deal = _locked(session, line)[line.opportunity_id]
    opportunity_amounts.follow(session, deal, without=line.id)


def may_change(session: Session, deal: Opportunity, verb: str) -> bool:
    """Whether the actor may `create`, `update` or `delete` lines of this very deal: who may add lines to their own
    deals may not add them to others that they see.
    """
    actor = actor_of(session)
    scope = actor.scope(permission(OpportunityLine, verb))
    within = select(Opportunity.id).where(Opportunity.id == deal.id, access.reach(Opportunity, actor, scope))
    return session.scalar(within) is not None


def _locked(session: Session, line: OpportunityLine) -> dict[int, Opportunity]:
    """The line's deal, and the one it is taken from, open and locked: always in the same order."""
    left = inspect(line).attrs.opportunity_id.history.deleted
    deals = {}
    for key in sorted({line.opportunity_id, *(number for number in left if number is not None)}):
        deal: Opportunity = access.find(session, Opportunity, key, lock=True)
        if deal.stage_now.category in CLOSED:
            raise Conflict("The lines of a closed deal stay as they are; open the deal again first")
        deals[key] = deal
    return deals


def _take_from_product(session: Session, line: OpportunityLine, deal: Opportunity, changed: frozenset[str]) -> None:
    product = session.get(Product, line.product_id, execution_options=_ANY) if line.product_id is not None else None
    attributes = inspect(line).attrs
    is_chosen = attributes.product_id.history.has_changes()
    if product is not None and (is_chosen or attributes.opportunity_id.history.has_changes()):
        _check_product(product, deal, is_chosen=is_chosen)
    if not line.name or (is_chosen and product is not None and "name" not in changed):
        line.name = product.name if product is not None else ""
    if not line.name:
        raise invalid("name", "is required where no product is given")
    if _lacks(line, "unit_price") or (is_chosen and product is not None and "unit_price" not in changed):
        line.unit_price = _list_price(product)


def _check_product(product: Product, deal: Opportunity, *, is_chosen: bool) -> None:
    if is_chosen and not product.active:
        raise invalid("productId", "is no longer for sale")
    if product.unit_price is not None and product.currency != deal.currency:
        sentence = "has its price in %(theirs)s, but the deal is in %(ours)s"
        raise invalid("productId", sentence, theirs=product.currency, ours=deal.currency)


def _list_price(product: Product | None) -> Decimal:
    if product is None:
        raise invalid("unitPrice", "is required where no product is given")
    if product.unit_price is None:
        raise invalid("unitPrice", "is required, as the product has no list price")
    return product.unit_price


def _total(line: OpportunityLine) -> Decimal:
    """Quantity x price, less the discount, to the cent, halves away from zero."""
    quantity = Decimal(1) if _lacks(line, "quantity") else line.quantity
    discount = Decimal(0) if _lacks(line, "discount") else line.discount
    if quantity <= 0:
        raise invalid("quantity", "must be more than 0")
    if not 0 <= discount <= 1:
        raise invalid("discount", "must be from 0 to 1")
    total = share(quantity * line.unit_price, 1 - discount)
    if abs(total) >= LARGEST:
        raise invalid("quantity", "makes the line larger than any amount that can be stored")
    return total


def _lacks(line: OpportunityLine, name: str) -> bool:
    """A new line has no defaults yet, whatever its types say."""
    return getattr(line, name) is None
