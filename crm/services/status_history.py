"""The history of the relation with a customer, written with every flush that changes its status: append-only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from crm.columns import now
from crm.db import CrmSession, actor_of
from crm.insertion import WATCHED
from crm.models.customer import Customer, CustomerStatus
from crm.models.status_history import StatusHistory

WATCHED.add(Customer.__tablename__)


@event.listens_for(CrmSession, "before_flush")
def _write_down(session: Session, _context: Any, _instances: Any) -> None:
    rows = [_entered(customer) for customer in session.new if isinstance(customer, Customer)]
    changed = [customer for customer in session.dirty if isinstance(customer, Customer) and _has_changed(customer)]
    rows += [_changed(customer) for customer in changed]
    for row in rows:
        row.changed_by = actor_of(session).user_id
    session.add_all(rows)


def _entered(customer: Customer) -> StatusHistory:
    """The first one: from nothing."""
    if "status_since" not in inspect(customer).dict:
        customer.status_since = now()
    return _row(customer, None, customer.status or CustomerStatus.PROSPECT)


def _has_changed(customer: Customer) -> bool:
    history = inspect(customer).attrs.status.history
    return bool(history.added) and history.deleted != history.added


def _changed(customer: Customer) -> StatusHistory:
    attributes = inspect(customer).attrs
    replaced = attributes.status.history.deleted
    moved = attributes.status_since.history
    since = moved.deleted[0] if moved.deleted else customer.status_since
    if not moved.has_changes():
        customer.status_since = now()
    row = _row(customer, replaced[0] if replaced else None, customer.status)
    row.seconds_in_status = max(0, int((customer.status_since - since).total_seconds())) if replaced else None
    return row


def _row(customer: Customer, before: CustomerStatus | None, after: CustomerStatus) -> StatusHistory:
    return StatusHistory(
        customer=customer,
        before=before,
        after=after,
        reason=customer.status_reason or "",
        created_at=customer.status_since,
    )
