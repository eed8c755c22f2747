"""A customer's page: sums by currency, the way through the tree; and many records into a group or under a tag."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from crm.actor import Scope
from crm.models import Category, CategoryType, Contact, ContactGroup, Customer, Opportunity, Tag
from tests import factories
from tests.admin.conftest import Visitor


def test_open_deals_are_summed_by_currency(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Customer, session, name="Acme").id
        for amount, currency in ((Decimal(1000), "USD"), (Decimal(500), "USD"), (Decimal(70), "CNY"), (None, "USD")):
            sent = {"amount": amount, "currency": currency, "customer_id": key, "lost_reason_id": None}
            factories.make(Opportunity, session, **sent)
    page = admin.page(f"/customer/details/{key}")
    assert "$1,500" in page
    assert "¥70" in page
    assert "No amount: 1" in page


def test_the_industry_is_told_from_the_root_down(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        kind = factories.make(CategoryType, session, name="Industry", code="industry")
        top = factories.make(Category, session, name="Metal", code="m", type_id=kind.id)
        low = factories.make(Category, session, name="Steel", code="s", type_id=kind.id, parent_id=top.id)
        key = factories.make(Customer, session, industry_id=low.id).id
        top_key = top.id
    assert "Metal › Steel" in admin.page(f"/customer/details/{key}")
    assert f"/customer/details/{key}" in admin.page(f"/customer/list?industry_id__under={top_key}")
    assert f"/customer/details/{key}" not in admin.page(f"/customer/list?industry_id={top_key}")
    assert "Metal and below" in admin.page(f"/customer/list?industry_id__under={top_key}")


def test_many_contacts_join_a_group_and_leave_it(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        group, tag = factories.make(ContactGroup, session, name="Guests"), factories.make(Tag, session, name="vip")
        keys = [factories.make(Contact, session, name=f"Person {number}").id for number in range(3)]
        into, out = f"+groups:{group.id}", f"-groups:{group.id}"
        tagged, group_key = f"+tags:{tag.id}", group.id
    assert into in admin.page("/contact/list")
    assert admin.post("/contact/bulk-link", {"link": into, "all": "1", "query": ""}).status_code == 303
    assert "Person 2" in admin.page(f"/contact/list?groups={group_key}")
    assert "Person 2" in admin.page(f"/contact-group/details/{group_key}")
    assert admin.post("/contact/bulk-link", {"link": out, "ids": str(keys[2])}).status_code == 303
    assert "Person 2" not in admin.page(f"/contact/list?groups={group_key}")
    assert admin.post("/contact/bulk-link", {"link": tagged, "ids": [str(k) for k in keys]}).status_code == 303
    with as_system() as session:
        assert {len(c.tags) for c in session.query(Contact)} == {1}
    assert admin.post("/contact/bulk-link", {"link": "+owner:1", "ids": str(keys[0])}).status_code == 404


def test_only_who_may_change_contacts_is_offered_to(visitor: Any, as_system: Any) -> None:
    reader = visitor(view_contacts=Scope.ALL, view_tags=Scope.ALL)
    with as_system() as session:
        tag, key = factories.make(Tag, session).id, factories.make(Contact, session).id
    assert "+tags:" not in reader.page("/contact/list")
    assert reader.post("/contact/bulk-link", {"link": f"+tags:{tag}", "ids": str(key)}).status_code == 403


def test_tags_are_drawn_in_their_colours(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        red, own = (factories.make(Tag, session, name=colour, colour=colour) for colour in ("red", "#12ab34"))
        key = factories.make(Customer, session, tags=[red.id, own.id]).id
    page = admin.page(f"/customer/details/{key}")
    assert 'fill="#d04545"' in page
    assert 'fill="#12ab34"' in page
