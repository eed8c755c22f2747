"""Customers: no circles among parent companies, one spelling of numbers and domains."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import system
from crm.db import CrmSession, Database
from crm.errors import BadInput
from crm.models import Customer
from crm.services import records


def _customer(session: CrmSession, **values: Any) -> Customer:
    made: Customer = records.create(session, Customer, {"name": "Customer", **values})
    return made


def test_a_company_cannot_be_its_own_parent(database: Database) -> None:
    with database.transaction(system("test")) as session:
        customer = _customer(session)
        with pytest.raises(BadInput, match="parentId: would make"), session.begin_nested():
            records.update(session, customer, {"parent_id": customer.id})


def test_a_company_cannot_be_put_below_its_own_branch(database: Database) -> None:
    with database.transaction(system("test")) as session:
        top = _customer(session)
        middle = _customer(session, parent_id=top.id)
        bottom = _customer(session, parent_id=middle.id)
        with pytest.raises(BadInput, match="own parent"), session.begin_nested():
            records.update(session, top, {"parent_id": bottom.id})
        records.update(session, bottom, {"parent_id": top.id})


@pytest.mark.parametrize(
    ("country", "typed", "stored"),
    [
        ("", "+49 (30) 901820", "+4930901820"),
        ("Germany", "030 901820", "+4930901820"),
        ("中国", "021-6279 1234", "+862162791234"),
        ("CN", "021 6279 1234", "+862162791234"),
        ("United States", "(415) 555-2671 ext. 12", "+14155552671 ext. 12"),
        ("", "030 901820", "030 901820"),
        ("Germany", " ask for Ms Meyer ", "ask for Ms Meyer"),
        ("Germany", "12", "12"),
    ],
)
def test_telephone_numbers_have_one_spelling(database: Database, country: str, typed: str, stored: str) -> None:
    with database.transaction(system("test")) as session:
        assert _customer(session, country=country, phone=typed).phone == stored


def test_a_domain_is_kept_in_lower_case(database: Database) -> None:
    with database.transaction(system("test")) as session:
        assert _customer(session, domain="Example.COM").domain == "example.com"
