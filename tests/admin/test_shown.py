"""How the panel tells values: filters that are set, people who are only numbers, words of the program."""

from __future__ import annotations

import re
from typing import Any

from crm.models import AuditEntry, Customer, Notification, Opportunity
from tests import factories
from tests.admin.conftest import Visitor


def test_what_a_filter_is_set_to_stands_in_its_panel_when_it_is_opened_again(admin: Visitor) -> None:
    page = admin.page("/customer/list?status=active")
    boxes = re.findall(r'<input class="check" type="checkbox" name="status"[^>]*>', page)
    assert [re.findall('value="([^"]+)"', box) for box in boxes if "checked" in box] == [["active"]]


def test_a_chip_spells_numbers_and_days_as_the_list_does(admin: Visitor) -> None:
    page = admin.page("/opportunity/list?amount__gte=12000&expected_close_date__lte=2026-11-30&amount__lte=many")
    chips = re.findall(r'<b title="([^"]*)">', page)
    assert chips == ["≥ 12,000", "≤ many", "≤ 30 Nov 2026"]


def test_who_made_a_record_and_who_is_in_the_audit_is_told_by_name(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        maker = factories.user(session)
        maker.name = "Grace Hopper"
        customer = factories.make(Customer, session)
        customer.created_by = maker.id
        session.flush()
        entry = AuditEntry(
            actor_id=maker.id, action="update", entity="customer", record_id=customer.id, changes={"city": ["", "York"]}
        )
        session.add(entry)
        session.flush()
        key, entry_key = customer.id, entry.id
    made_by = re.search(r"<dt>Created by</dt><dd[^>]*>(.*?)</dd>", admin.page(f"/customer/details/{key}"))
    assert made_by is not None
    assert "Grace Hopper" in made_by[1]
    page = admin.page(f"/audit-entry/details/{entry_key}")
    assert "Grace Hopper" in page
    assert "City: – → York" in page


def test_the_kind_of_a_notification_is_a_sentence(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        session.add(Notification(user_id=admin.user_id, kind="deal_won", title="Hooray"))
    assert "A deal is won" in admin.page("/notification/list")


def test_a_list_without_rows_has_no_pages_to_turn(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        factories.make(Opportunity, session, name="Boiler")
    assert 'class="pager"' in admin.page("/opportunity/list?search=boiler")
    assert 'class="pager"' not in admin.page("/opportunity/list?search=zzzz")
