"""What a customer's page tells beside its fields: open deals by currency, and where it stands in the trees."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm import formats
from crm.admin import paths
from crm.admin.record_parts import record_part
from crm.db import actor_of
from crm.entity import permission
from crm.models.category import Category
from crm.models.customer import Customer
from crm.models.opportunity import Opportunity


@record_part(Customer, "crm/profile.html", place="side")
def part(session: Session, customer: Customer) -> dict[str, Any] | None:
    """{sums: [{count, amount, unknown}], industry: [name, …]}; currencies are never added to each other."""
    sums = _open_deals(session, customer) if actor_of(session).may(permission(Opportunity, "view")) else []
    industry = _industry(session, customer)
    if not sums and len(industry) < 2:
        return None
    url = paths.list_of(Opportunity, customer_id=customer.id, closed_at__null="true")
    return {"sums": sums, "industry": industry, "deals_url": url}


def _open_deals(session: Session, customer: Customer) -> list[dict[str, Any]]:
    known = func.count(Opportunity.amount)
    columns = (Opportunity.currency, func.count(Opportunity.id), known, func.sum(Opportunity.amount))
    mine = select(*columns).where(Opportunity.customer_id == customer.id, Opportunity.closed_at.is_(None))
    rows = session.execute(mine.group_by(Opportunity.currency).order_by(Opportunity.currency))
    return [
        {
            "count": formats.number(count),
            "amount": formats.money(total, currency) if total is not None else "–",
            "unknown": count - with_amount,
        }
        for currency, count, with_amount, total in rows
    ]


def _industry(session: Session, customer: Customer) -> list[str]:
    """From the root of the tree down."""
    if customer.industry is None:
        return []
    keys = [int(key) for key in customer.industry.path.strip("/").split("/") if key]
    names = {
        row.id: row.name for row in session.execute(select(Category.id, Category.name).where(Category.id.in_(keys)))
    }
    return [names[key] for key in keys if key in names]
