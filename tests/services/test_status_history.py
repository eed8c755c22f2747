"""How the relation with a customer went: every change of status is kept, with its reason, by whichever door."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import system
from crm.db import CrmSession, Database
from crm.errors import BadInput, Conflict, Forbidden
from crm.models import Customer, StatusHistory
from crm.models.customer import CustomerStatus
from crm.services import customers, records


def _customer(session: CrmSession, **values: Any) -> Customer:
    made: Customer = records.create(session, Customer, {"name": "Customer", **values})
    return made


def _rows(session: CrmSession, customer: Customer) -> list[tuple[Any, ...]]:
    found = select(StatusHistory).where(StatusHistory.customer_id == customer.id).order_by(StatusHistory.id)
    return [(row.before, row.after, row.reason) for row in session.scalars(found)]


def test_a_new_customer_enters_its_first_status(database: Database) -> None:
    with database.transaction(system("test")) as session:
        assert _rows(session, _customer(session)) == [(None, "prospect", "")]
        assert _rows(session, _customer(session, status=CustomerStatus.ACTIVE)) == [(None, "active", "")]


def test_a_change_keeps_what_was_before_why_how_long_and_who(database: Database) -> None:
    with database.transaction(system("test")) as session:
        customer = _customer(session)
        customer.status_since = datetime(2026, 1, 1, tzinfo=UTC)
        session.flush()
        customers.set_status(session, customer, status=CustomerStatus.AT_RISK, reason=" Budget is cut ")
        row = session.scalars(select(StatusHistory).order_by(StatusHistory.id.desc())).first()
        assert row is not None
        assert (row.before, row.after, row.reason, row.changed_by) == ("prospect", "at_risk", "Budget is cut", None)
        assert row.seconds_in_status == int((customer.status_since - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds())
        assert customer.status_since == row.created_at


def test_an_edit_of_something_else_is_no_change_of_status(database: Database) -> None:
    with database.transaction(system("test")) as session:
        customer = _customer(session)
        since = customer.status_since
        records.update(session, customer, {"name": "Other", "status": CustomerStatus.PROSPECT})
        assert len(_rows(session, customer)) == 1
        assert customer.status_since == since


def test_a_new_status_without_a_new_reason_has_none(database: Database) -> None:
    with database.transaction(system("test")) as session:
        customer = _customer(session, status=CustomerStatus.AT_RISK, status_reason="No answer")
        records.update(session, customer, {"status": CustomerStatus.ACTIVE})
        assert customer.status_reason == ""
        records.update(session, customer, {"status": CustomerStatus.DORMANT, "status_reason": "Asleep"})
        assert _rows(session, customer)[1:] == [("at_risk", "active", ""), ("active", "dormant", "Asleep")]


def test_a_reason_sent_again_on_purpose_is_kept(database: Database) -> None:
    with database.transaction(system("test")) as session:
        customer = _customer(session, status=CustomerStatus.AT_RISK, status_reason="No answer")
        records.update(session, customer, {"status": CustomerStatus.CHURNED, "status_reason": "No answer"})
        assert _rows(session, customer)[-1] == ("at_risk", "churned", "No answer")


@pytest.mark.parametrize("status", [CustomerStatus.CHURNED, CustomerStatus.AT_RISK])
def test_nobody_leaves_without_a_reason(database: Database, status: CustomerStatus) -> None:
    with database.transaction(system("test")) as session:
        customer = _customer(session, status_reason="Old")
        for values in ({"status": status}, {"status": status, "status_reason": "  "}):
            with pytest.raises(BadInput, match="statusReason: is needed for a customer"), session.begin_nested():
                records.update(session, customer, values)
            session.refresh(customer)
        with pytest.raises(BadInput, match="reason: is needed"):
            customers.set_status(session, customer, status=status)
        with pytest.raises(BadInput, match="statusReason"), session.begin_nested():
            _customer(session, status=status)
        records.update(session, customer, {"status": status, "status_reason": "Gone"})
        with pytest.raises(BadInput, match="statusReason"), session.begin_nested():
            records.update(session, customer, {"status_reason": ""})


def test_the_status_a_customer_has_cannot_be_set_again(database: Database) -> None:
    with database.transaction(system("test")) as session, pytest.raises(Conflict, match="has this status already"):
        customers.set_status(session, _customer(session), status=CustomerStatus.PROSPECT)


def test_nobody_writes_the_history_by_hand(database: Database) -> None:
    with database.transaction(system("test")) as session, pytest.raises(Forbidden):
        records.create(session, StatusHistory, {})
