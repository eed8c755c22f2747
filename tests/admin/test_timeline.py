"""The timeline in the panel: on three kinds of pages, page by page, by kind, with a form for a note."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from crm.actor import Scope
from crm.models import Contact, Customer, Interaction, Opportunity
from tests import factories
from tests.admin.conftest import Visitor


def _customer(as_system: Any, count: int = 0, **values: Any) -> int:
    with as_system() as session:
        customer = factories.make(Customer, session, name="Acme", parent_id=None, **values)
        for number in range(count):
            factories.make(Interaction, session, subject=f"Note {number:02}.", customer_id=customer.id)
        return int(customer.id)


def test_the_pages_of_customers_contacts_and_deals_have_a_timeline(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        company = factories.make(Customer, session, name="Acme")
        person = factories.make(Contact, session, customer_id=company.id)
        deal = factories.make(Opportunity, session, name="Big", customer_id=company.id, amount=5, lost_reason_id=None)
        factories.make(Interaction, session, subject="Talked", contact_id=person.id, opportunity_id=deal.id)
        keys = {"customer": company.id, "contact": person.id, "opportunity": deal.id}
    for identity, key in keys.items():
        page = admin.page(f"/{identity}/details/{key}")
        assert 'id="timeline"' in page
        assert "Talked" in page.partition('id="timeline"')[2]


def test_older_entries_come_by_a_plain_link_and_as_a_part(admin: Visitor, as_system: Any) -> None:
    key = _customer(as_system, 20)
    link = re.search(r'href="([^"]+)" rel="next"', admin.page(f"/customer/timeline/{key}?kinds=interaction"))
    assert link
    address = unescape(link[1]).removeprefix("/admin")
    page = admin.page(address)
    assert "<html" in page
    assert "Note 00." in page
    assert "Note 19." not in page
    part = admin.get(address, headers={"x-part": "timeline"}).text
    assert "<html" not in part
    assert "Note 00." in part
    assert 'rel="next"' not in part


def test_chips_narrow_the_timeline_to_one_kind(admin: Visitor, as_system: Any) -> None:
    key = _customer(as_system, 1)
    page = admin.page(f"/customer/timeline/{key}?kinds=status")
    assert "Prospect" in page
    assert "Note 00." not in page
    assert admin.get(f"/customer/timeline/{key}?kinds=gossip").status_code == 200
    assert admin.get(f"/customer/timeline/{key}?cursor=x").status_code == 400
    assert admin.get("/tag/timeline/1").status_code == 404


def test_a_note_is_written_on_the_page_of_the_record(admin: Visitor, as_system: Any) -> None:
    key = _customer(as_system)
    sent = {"kind": "call", "subject": "Asked for a quote", "body": "By Friday"}
    answer = admin.post(f"/customer/timeline/{key}", sent)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(f"/customer/details/{key}#timeline")
    with as_system() as session:
        (note,) = session.query(Interaction).all()
        assert (note.kind, note.subject, note.body, note.customer_id) == ("call", *list(sent.values())[1:], key)
    assert admin.post(f"/customer/timeline/{key}", {"kind": "note", "subject": " "}).status_code == 303
    with as_system() as session:
        assert session.query(Interaction).count() == 1


def test_only_who_may_write_sees_the_form_and_only_who_sees_the_record_the_timeline(
    visitor: Any, as_system: Any
) -> None:
    reader = visitor(view_customers=Scope.OWN, view_interactions=Scope.ALL)
    theirs, mine = _customer(as_system), _customer(as_system, owner_id=reader.user_id)
    page = reader.page(f"/customer/details/{mine}")
    assert 'id="timeline"' in page
    assert 'class="say"' not in page
    assert reader.get(f"/customer/timeline/{theirs}").status_code == 404
    assert reader.post(f"/customer/timeline/{theirs}", {"kind": "note", "subject": "x"}).status_code in (403, 404)
    assert reader.post(f"/customer/timeline/{mine}", {"kind": "note", "subject": "x"}).status_code == 403


def test_what_people_write_is_text_and_values_of_changes_are_not_told(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Customer, session, description="The secret plan").id
        factories.make(Interaction, session, subject="<b>x</b>", customer_id=key)
    page = admin.get(f"/customer/timeline/{key}").text
    assert "&lt;b&gt;x" in page
    assert "The secret plan" not in page
