"""Contacts: one spelling of addresses and numbers, groups, tags, and who may be written to."""

from __future__ import annotations

import pytest

from crm.actor import Actor, Scope, system
from crm.db import Database
from crm.errors import BadInput
from crm.models import Contact, ContactGroup, Customer, EmailSuppression, Opportunity, Tag
from crm.services import contact_groups, contacts, records
from tests import factories


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


@pytest.mark.parametrize(("typed", "stored"), [("en", "en"), ("ZH", "zh"), ("zh-CN", "zh"), ("en_GB", "en"), ("", "")])
def test_the_preferred_language_is_one_we_write(database: Database, typed: str, stored: str) -> None:
    with database.transaction(system("test")) as session:
        contact = records.create(session, Contact, {"name": "Ann", "preferred_language": typed})
        assert contact.preferred_language == stored
        with pytest.raises(BadInput, match="preferredLanguage: must be en or zh"):
            records.update(session, contact, {"preferred_language": "fr"})


def test_the_primary_contact_of_a_deal_works_at_its_customer_or_nowhere(database: Database) -> None:
    with database.transaction(system("test")) as session:
        factories.default_pipeline(session)
        company, other = (records.create(session, Customer, {"name": name}) for name in "AB")
        ours = records.create(session, Contact, {"name": "Ann", "customer_id": company.id})
        theirs = records.create(session, Contact, {"name": "Bo", "customer_id": other.id})
        free = records.create(session, Contact, {"name": "Cy"})
        deal = records.create(session, Opportunity, {"name": "D", "customer_id": company.id, "contact_id": ours.id})
        with pytest.raises(BadInput, match="contactId: must be a contact of the deal's customer"):
            records.update(session, deal, {"contact_id": theirs.id})
        session.refresh(deal)
        with pytest.raises(BadInput, match="contactId"):
            records.update(session, deal, {"customer_id": other.id})
        session.refresh(deal)
        assert records.update(session, deal, {"contact_id": free.id}).contact_id == free.id
        fresh = records.create(session, Opportunity, {"name": "E", "contact_id": theirs.id})
        assert fresh.customer_id == other.id


def test_one_contact_who_wants_no_mail_speaks_for_the_address(database: Database) -> None:
    with database.transaction(system("test")) as session:
        values = {"name": "Ann", "email": "Info@Example.com"}
        records.create(session, Contact, values)
        assert contacts.may_be_written_to(session, " INFO@example.com ")
        assert contacts.may_be_written_to(session, "nobody@example.com")
        silent = records.create(session, Contact, values | {"do_not_contact": True})
        assert not contacts.may_be_written_to(session, " INFO@example.com ")
        records.delete(session, silent)
        assert contacts.may_be_written_to(session, "info@example.com")


def test_whom_the_writer_does_not_see_is_asked_too(database: Database) -> None:
    with database.transaction(system("test")) as session:
        records.create(session, Contact, {"name": "Ann", "email": "a@example.com", "do_not_contact": True})
        agent = factories.user(session, {"view_contacts": Scope.OWN})
        actor = Actor(agent.id, "agent", {"view_contacts": Scope.OWN})
    with database.read_only(actor) as session:
        assert not contacts.may_be_written_to(session, "a@example.com")


def test_a_suppressed_address_is_not_written_to(database: Database) -> None:
    with database.transaction(system("test")) as session:
        listed = records.create(session, EmailSuppression, {"address": " Gone@Example.com"})
        for address in ("gone@example.com", "Gone@Example.com "):
            assert not contacts.may_be_written_to(session, address)
        records.update(session, listed, {"address": "AWAY@example.com"})
        assert contacts.may_be_written_to(session, "gone@example.com")
        assert not contacts.may_be_written_to(session, "away@example.com")


def test_contacts_join_a_group_and_leave_it(database: Database) -> None:
    with database.transaction(system("test")) as session:
        group = records.create(session, ContactGroup, {"name": "Guests"})
        ann, bo = (records.create(session, Contact, {"name": name}) for name in ("Ann", "Bo"))
        assert contact_groups.add_members(session, group, [ann.id, bo.id]) == 2
        assert contact_groups.add_members(session, group, [bo.id]) == 0
        assert contact_groups.remove_members(session, group, [ann.id, ann.id]) == 1
        assert (ann.groups, bo.groups) == ([], [group])
        assert ann.version == 3
        with pytest.raises(BadInput, match="contactIds: Contact not found"):
            contact_groups.add_members(session, group, [ann.id, 999_999])


@pytest.mark.parametrize(("colour", "stored"), [("RED", "red"), ("#1D71a5", "#1d71a5"), ("", "grey")])
def test_a_tag_has_a_colour_that_can_be_drawn(database: Database, colour: str, stored: str) -> None:
    with database.transaction(system("test")) as session:
        tag = records.create(session, Tag, {"name": "vip", "colour": colour})
        assert tag.colour == stored
        with pytest.raises(BadInput, match="colour: must be #rrggbb or one of"):
            records.update(session, tag, {"colour": "url(x)"})
