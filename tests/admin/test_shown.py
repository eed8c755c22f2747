"""How the panel tells values: filters that are set, people who are only numbers, words of the program."""

from __future__ import annotations

import re
from typing import Any

from crm.models import AuditEntry, Contact, Customer, Notification, Opportunity, TaskSeries
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


def undo(admin: Visitor, answer: Any) -> tuple[str, list[str]]:
    """What the button beside the message of `answer` posts: where to, and which keys."""
    flash = answer.cookies["crm_flash"]
    page = admin.page("/contact/list", headers={"cookie": f"crm_session={admin.cookie}; crm_flash={flash}"})
    form = re.search(r'<form method="post" action="/admin([^"]+)">((?:<input[^>]*>)+)<button class="note-undo">', page)
    assert form is not None, "no button takes it back"
    return form[1], re.findall(r'name="ids" value="(\d+)"', form[2])


def test_what_went_to_the_trash_comes_back_by_the_button_of_the_message(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        keys = [factories.make(Contact, session, name=name).id for name in ("Ann", "Bob", "Cid")]
    one = undo(admin, admin.post(f"/contact/delete/{keys[0]}"))
    many = undo(admin, admin.post("/contact/bulk/delete", {"ids": [str(key) for key in keys[1:]]}))
    assert "Ann" not in admin.page("/contact/list")
    assert many[1] == [str(key) for key in keys[1:]]
    for path, ids in (one, many):
        assert admin.post(path, {"ids": ids}).status_code == 303
    page = admin.page("/contact/list")
    assert all(name in page for name in ("Ann", "Bob", "Cid"))


def test_what_is_gone_for_good_offers_no_button(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Contact, session, name="Ann").id
    admin.post(f"/contact/delete/{key}")
    flash = admin.post(f"/contact/purge/{key}").cookies["crm_flash"]
    page = admin.page("/contact/list", headers={"cookie": f"crm_session={admin.cookie}; crm_flash={flash}"})
    assert "Deleted for good" in page
    assert "note-undo" not in page


def test_rules_and_languages_are_told_in_words(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        factories.make(TaskSeries, session, rrule="FREQ=WEEKLY;BYDAY=MO")
        key = factories.make(Contact, session, name="Ann", preferred_language="zh").id
    page = admin.page("/task-series/list")
    assert "Every week on Monday" in page
    assert "FREQ=" not in page
    assert "简体中文</dd>" in admin.page(f"/contact/details/{key}")
