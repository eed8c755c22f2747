"""What holds for every customer, whichever door it came through; and how the relation with one changes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from crm.entity import operation, rule
from crm.errors import Conflict, invalid
from crm.models.customer import Customer, CustomerStatus
from crm.services import records
from crm.services.phones import normalised

#: nobody leaves, or is about to, without a word about why
EXPLAINED = frozenset({CustomerStatus.AT_RISK, CustomerStatus.CHURNED})
_NEEDED = "is needed for a customer who is at risk or has left"
Reason = Annotated[str, Field(max_length=300)]
#: the number of the lock that two moves of parent companies wait for
_TREE_LOCK = 7_204_311_001


@rule(Customer)
def spell_alike(session: Session, customer: Customer, changed: frozenset[str]) -> None:
    """Domains in lower case and telephone numbers in one spelling."""
    if "domain" in changed:
        customer.domain = customer.domain.strip().lower()
    if customer.phone and changed & {"phone", "country"}:
        customer.phone = normalised(customer.phone, country=customer.country or "")


@rule(Customer)
def explain_the_status(session: Session, customer: Customer, changed: frozenset[str]) -> None:
    """A reason belongs to one status: a new status without a new reason has none; some must have one."""
    is_moved = inspect(customer).attrs.status.history.has_changes()
    if is_moved and "status_reason" not in changed:
        customer.status_reason = ""
    if (is_moved or "status_reason" in changed) and customer.status in EXPLAINED:
        customer.status_reason = (customer.status_reason or "").strip()
        if not customer.status_reason:
            raise invalid("statusReason", _NEEDED)


@operation(Customer, icon="flag")
def set_status(session: Session, customer: Customer, *, status: CustomerStatus, reason: Reason = "") -> None:
    """Say where the relation stands from now on, and why."""
    if status is customer.status:
        raise Conflict("The customer has this status already")
    if status in EXPLAINED and not reason.strip():
        raise invalid("reason", _NEEDED)
    with session.no_autoflush:
        customer.status, customer.status_reason = status, reason.strip()
    records.flush(session, Customer)


@rule(Customer)
def keep_the_tree(session: Session, customer: Customer, changed: frozenset[str]) -> None:
    """A parent company must not be the company itself, nor one that is below it."""
    if "parent_id" not in changed or records.is_new(customer) or customer.parent_id is None:
        return
    _one_move_at_a_time(session)
    above: int | None = customer.parent_id
    seen: set[int] = set()
    while above is not None and above not in seen:
        if above == customer.id:
            raise invalid("parentId", "would make the company its own parent")
        seen.add(above)
        # the chain is followed through companies the actor does not see, too: a circle is one for everybody
        parent = select(Customer.parent_id).where(Customer.id == above)
        above = session.scalar(parent, execution_options={"unscoped": True, "trash": "any"})


def _one_move_at_a_time(session: Session) -> None:
    """Two moves could close a circle that neither sees; on SQLite every writer waits for the other anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_TREE_LOCK)))
