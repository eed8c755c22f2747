"""What a deal is worth: the sum of its lines, unless somebody has said otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from crm.entity import operation
from crm.errors import Conflict, invalid
from crm.models.opportunity import Opportunity
from crm.models.opportunity_line import OpportunityLine
from crm.services import records
from crm.services.stage_entry import CLOSED

#: amounts have sixteen digits before the point
LARGEST = Decimal(10) ** 16
_UNSCOPED: dict[str, Any] = {"unscoped": True}


def settle(session: Session, deal: Opportunity, changed: frozenset[str]) -> None:
    """An amount that is sent is meant; taking it away lets the amount follow the lines again."""
    attributes, is_new = inspect(deal).attrs, records.is_new(deal)
    if not is_new and attributes.currency.history.has_changes() and has_lines(session, deal):
        raise invalid("currency", "cannot change while the deal has lines, whose prices are in it")
    if "amount" not in changed:
        return
    if deal.amount is None:
        deal.amount_by_hand = False
        if not is_new and (total := sum_of_lines(session, deal)) is not None:
            deal.amount = total
    elif is_new or attributes.amount.history.has_changes():
        deal.amount_by_hand = True


def set_by_hand(deal: Opportunity, amount: Decimal) -> None:
    """As if it had been typed; the very amount that the lines come to changes nothing."""
    if amount != deal.amount:
        deal.amount, deal.amount_by_hand = amount, True


def follow(session: Session, deal: Opportunity, *, without: int | None = None, plus: Decimal | None = None) -> None:
    """Let the amount be the sum of the stored lines, leaving out the one numbered `without` and adding `plus`.

    The caller holds the lock on `deal`, so that two lines added at once are both counted.
    """
    if deal.amount_by_hand:
        return
    others = sum_of_lines(session, deal, without=without)
    total = others if plus is None else (others or Decimal(0)) + plus
    if total is not None and abs(total) >= LARGEST:
        raise invalid("quantity", "makes the deal larger than any amount that can be stored")
    deal.amount = total


def sum_of_lines(session: Session, deal: Opportunity, *, without: int | None = None) -> Decimal | None:
    """The sum of the stored totals; None where there is no line."""
    wanted = select(func.sum(OpportunityLine.total)).where(OpportunityLine.opportunity_id == deal.id)
    if without is not None:
        wanted = wanted.where(OpportunityLine.id != without)
    with session.no_autoflush:
        return session.scalar(wanted, execution_options=_UNSCOPED)


def has_lines(session: Session, deal: Opportunity) -> bool:
    found = select(OpportunityLine.id).where(OpportunityLine.opportunity_id == deal.id).limit(1)
    with session.no_autoflush:
        return session.scalar(found, execution_options=_UNSCOPED) is not None


def _stands_elsewhere(_deal: Opportunity) -> bool:
    """The panel has its button beside the lines, not among those of the deal."""
    return False


@operation(Opportunity, icon="list-check", when=_stands_elsewhere)
def follow_lines(session: Session, deal: Opportunity) -> None:
    """Let the amount be what its lines come to, from now on."""
    if deal.stage_now.category in CLOSED:
        raise Conflict("The amount of a closed deal stays as it is; open the deal again first")
    if not deal.amount_by_hand:
        raise Conflict("The amount follows the lines already")
    with session.no_autoflush:
        deal.amount_by_hand = False
        follow(session, deal)
    records.flush(session, Opportunity)
