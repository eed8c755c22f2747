"""The deals of the data set with their histories, dated by the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from crm.models.base import Base
from crm.models.opportunity import Opportunity
from crm.models.opportunity_history import OpportunityChange
from crm.services.opportunity_history import money_text
from seeds.bulk import Row, insert_rows, search_words
from seeds.dataset.people import Seller
from seeds.dataset.report import Problem, Report
from seeds.dataset.rows import Deal
from seeds.dataset.sales import Way, numbers_of
from seeds.progress import Progress

FILE = "sales_pipeline.csv"
CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Known:
    """What deals refer to by name, in lower case."""

    way: Way
    sellers: dict[str, Seller]
    customers: dict[str, int]
    products: dict[str, str]


def load_deals(session: Session, deals: Sequence[Deal], known: Known, report: Report, progress: Progress) -> None:
    """Insert the deals that are not there yet, then their histories."""
    there = numbers_of(session, Opportunity, [deal.name for deal in deals])
    report.present["opportunity"] += len(there)
    new = list(_loadable([deal for deal in deals if deal.name not in there], known, report))
    rows = [_row(deal, known) for deal in new]
    tables = Base.metadata.tables
    numbers = insert_rows(session, tables["opportunity"], rows, what="opportunities", progress=progress)
    told = [row for deal, number in zip(new, numbers, strict=True) for row in _history(deal, number, known)]
    insert_rows(session, tables["opportunity_history"], told, what="history", progress=progress)
    report.added["opportunity"] += len(new)


def _loadable(deals: Sequence[Deal], known: Known, report: Report) -> Iterator[Deal]:
    """Without those that refer to what the other files do not know."""
    for deal in deals:
        if reason := _reason_against(deal, known):
            report.problems.append(Problem(FILE, deal.line, reason))
        else:
            yield deal


def _reason_against(deal: Deal, known: Known) -> str:
    if deal.agent.casefold() not in known.sellers:
        return f"the agent '{deal.agent}' is not in sales_teams.csv."
    if deal.account and deal.account.casefold() not in known.customers:
        return f"the account '{deal.account}' is not in accounts.csv."
    if deal.product.casefold() not in known.products:
        return f"the product '{deal.product}' is not in products.csv."
    return ""


def _row(deal: Deal, known: Known) -> Row:
    """A lost deal has the reason "Not recorded"; a deal without a value never gets the list price."""
    seller, last = known.sellers[deal.agent.casefold()], deal.closed or deal.created
    product = known.products[deal.product.casefold()]
    row: Row = {
        "name": f"{product} for {deal.account}" if deal.account else f"{product} ({deal.name})",
        "customer_id": known.customers[deal.account.casefold()] if deal.account else None,
        "pipeline_id": known.way.pipeline_id,
        "stage_id": known.way.stages[deal.outcome].id,
        "amount": deal.value,
        "amount_by_hand": deal.value is not None,
        "currency": CURRENCY,
        "closed_at": deal.closed,
        "lost_reason_id": known.way.lost_reason_id if deal.outcome == "lost" else None,
        "description": f"Product: {product}",
        "stage_entered_at": last,
        "last_activity_at": last,
        "external_id": deal.name,
        "owner_id": seller.user_id,
        "team_id": seller.team_id,
        "created_at": deal.created,
        "updated_at": last,
        "version": 1,
    }
    return row | {"search_text": search_words(Opportunity, row)}


def _history(deal: Deal, number: int, known: Known) -> Iterator[Row]:
    """Created open and without amount; what the data knows at the close is dated by the close."""
    stages, seller = known.way.stages, known.sellers[deal.agent.casefold()]
    first = stages["open"]
    common: dict[str, Any] = {"opportunity_id": number, "changed_by": seller.user_id}
    common |= dict.fromkeys(("before", "after", "from_stage_id", "to_stage_id", "seconds_in_stage"))
    created = {"change": OpportunityChange.CREATED, "created_at": deal.created}
    yield common | created | {"after": first.name, "to_stage_id": first.id}
    if deal.closed is None:
        return
    if deal.value is not None:
        worth = money_text(deal.value, CURRENCY)
        yield common | {"change": OpportunityChange.AMOUNT, "created_at": deal.closed, "after": worth}
    last = stages[deal.outcome]
    yield common | {
        "change": OpportunityChange.CLOSED,
        "created_at": deal.closed,
        "before": first.name,
        "after": last.name,
        "from_stage_id": first.id,
        "to_stage_id": last.id,
        "seconds_in_stage": int((deal.closed - deal.created).total_seconds()),
    }
