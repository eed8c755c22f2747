"""Contacts: one spelling of addresses and numbers."""

from __future__ import annotations

from crm.actor import system
from crm.db import Database
from crm.models import Contact, Customer
from crm.services import records


def test_an_address_is_kept_in_lower_case(database: Database) -> None:
    with database.transaction(system("test")) as session:
        contact = records.create(session, Contact, {"name": "Ann", "email": "Ann.Lee@Example.COM"})
        assert contact.email == "ann.lee@example.com"
        records.update(session, contact, {"email": "A@B.example"})
        assert contact.email == "a@b.example"


def test_numbers_are_read_in_the_country_of_the_company(database: Database) -> None:
    with database.transaction(system("test")) as session:
        company = records.create(session, Customer, {"name": "华东机械", "country": "中国"})
        values = {"name": "王芳", "customer_id": company.id, "mobile": "138 1234 5678", "phone": "extension 5"}
        contact = records.create(session, Contact, values)
        assert (contact.mobile, contact.phone) == ("+8613812345678", "extension 5")
