"""What holds for every customer, whichever door it came through."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.entity import rule
from crm.errors import invalid
from crm.models.customer import Customer
from crm.services.phones import normalised


@rule(Customer)
def spell_alike(session: Session, customer: Customer, changed: frozenset[str]) -> None:
    """Domains in lower case and telephone numbers in one spelling."""
    if "domain" in changed:
        customer.domain = customer.domain.strip().lower()
    if customer.phone and changed & {"phone", "country"}:
        customer.phone = normalised(customer.phone, country=customer.country or "")


@rule(Customer)
def keep_the_tree(session: Session, customer: Customer, changed: frozenset[str]) -> None:
    """A parent company must not be the company itself, nor one that is below it."""
    if "parent_id" not in changed or customer.id is None:
        return
    above = customer.parent_id
    seen: set[int] = set()
    while above is not None and above not in seen:
        if above == customer.id:
            raise invalid("parentId", "would make the company its own parent")
        seen.add(above)
        # the chain is followed through companies the actor does not see, too: a circle is one for everybody
        parent = select(Customer.parent_id).where(Customer.id == above)
        above = session.scalar(parent, execution_options={"unscoped": True})
