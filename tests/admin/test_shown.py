"""How the panel tells values: filters that are set, people who are only numbers, words of the program."""

from __future__ import annotations

import re
from typing import Any

from crm.actor import Scope
from crm.models import (
    AuditEntry,
    Category,
    Contact,
    Customer,
    LostReason,
    Notification,
    Opportunity,
    Pipeline,
    Stage,
    Tag,
    TaskSeries,
)
from tests import factories
from tests.admin.conftest import Visitor
from tests.admin.test_lists import statements


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
    assert "<h1>Update</h1>" in re.sub(r"<h1[^>]*>", "<h1>", page)


def test_the_audit_says_what_states_were_called_in_the_readers_language(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        changes = {"status": ["not_started", "completed"], "gone_since": ["a", "b"]}
        session.add(AuditEntry(action="complete", entity="task", record_id=7, changes=changes))
        session.add(AuditEntry(action="update", entity="no_longer_there", record_id=7, changes={"x": ["a_b", "c"]}))
    page = admin.page("/audit-entry/list")
    assert "Status: Not started → Completed" in page
    assert "Gone since: a → b" in page
    assert "X: a_b → c" in page
    assert "状态: 未开始 → 已完成" in in_chinese(admin, "/audit-entry/list").text


def _entry(session: Any, **values: Any) -> int:
    entry = AuditEntry(**{"action": "move", "entity": "contact", **values})
    session.add(entry)
    session.flush()
    return entry.id


def test_the_audit_names_what_a_change_points_at_to_whoever_may_see_it(
    admin: Visitor, visitor: Any, as_system: Any
) -> None:
    auditor = visitor(view_audit_entries=Scope.ALL, view_customers=Scope.OWN, view_contacts=Scope.ALL)
    with as_system() as session:
        ann, bob = (factories.make(Customer, session, name=name) for name in ("Ann Ltd", "Bob Ltd"))
        ann.owner_id = auditor.user_id
        tags = [factories.make(Tag, session, name=name).id for name in ("Hot", "Cold")]
        contact = factories.make(Contact, session, name="Grace")
        changes = {"customer_id": [ann.id, bob.id], "tags": [[], sorted(tags)], "created_by": [None, 2**40]}
        key = _entry(session, record_id=contact.id, changes=changes)
        linked = {"record_type": [None, "customer"], "record_id": [None, ann.id]}
        _entry(session, entity="task", record_id=2**41, changes=linked)
        record, firm = contact.id, bob.id
    for path in ("/audit-entry/list?action=move", f"/audit-entry/details/{key}"):
        page = admin.page(path)
        assert "Customer: Ann Ltd → Bob Ltd" in page
        assert re.search("Tags: – → Hot(, | and )Cold", page)
        assert f"Created by: – → Not visible ({2**40})" in page
        assert "Grace" in page
        page = auditor.page(path)
        assert f"Customer: Ann Ltd → Not visible ({firm})" in page
        assert "Bob Ltd" not in page
    assert f'href="/admin/contact/details/{record}"' in admin.page(f"/audit-entry/details/{key}")
    page = admin.page("/audit-entry/list")
    assert "Record: – → Ann Ltd" in page
    assert str(2**41) in page


def test_an_audit_of_many_links_asks_once_for_each_kind(admin: Visitor, as_system: Any) -> None:
    def add(count: int) -> None:
        with as_system() as session:
            for _ in range(count):
                customer, owner = factories.make(Customer, session), factories.user(session)
                changes = {"customer_id": [None, customer.id], "owner_id": [None, owner.id]}
                _entry(session, record_id=factories.make(Contact, session).id, changes=changes)

    add(2)
    admin.page("/audit-entry/list")
    with statements() as few:
        admin.page("/audit-entry/list")
    add(8)
    with statements() as many:
        admin.page("/audit-entry/list")
    assert len(many) == len(few) <= 20


def test_a_stage_is_offered_where_it_stands_and_by_the_readers_name(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        pipeline = factories.default_pipeline(session)
        stages = ("Prospecting", "Negotiation", "Closed Lost", "Night shift")
        pipeline.name, pipeline.stages[0].name = "New business", stages[0]
        made: dict[str, int] = {}
        for position, name in enumerate(stages[1:], 2):
            stage = factories.make(Stage, session, name=name, pipeline_id=pipeline.id, position=position)
            made[name] = stage.id
        deal = factories.make(Opportunity, session, pipeline_id=pipeline.id, stage_id=made["Closed Lost"]).id
    here = "/opportunity/ajax/lookup?name=stage_id&term="

    def offered(answer: Any) -> list[str]:
        return [one["text"] for one in answer.json()["results"]]

    assert offered(admin.get(here)) == list(stages)
    assert offered(in_chinese(admin, here)) == ["初步接触", "商务谈判", "丢单", "Night shift"]
    for term in ("丢单", "closed"):
        assert offered(in_chinese(admin, here + term)) == ["丢单"]
    assert re.search(r"<option[^>]* selected>丢单<", in_chinese(admin, f"/opportunity/edit/{deal}").text)
    with as_system() as session:
        factories.make(Stage, session, name="Closed Lost", pipeline_id=factories.make(Pipeline, session, name="2nd").id)
    assert offered(admin.get(here + "lost")) == ["Closed Lost · New business", "Closed Lost · 2nd"]


def test_what_every_installation_begins_with_is_told_in_the_readers_language(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        software, own = (factories.make(Category, session, name=name) for name in ("Software", "Silverware"))
        firm = factories.make(Customer, session, name="Acme", industry_id=software.id).id
        reason = factories.make(LostReason, session, name="No budget").id
        kinds = software.id, own.id
    for path in ("/category/list", "/category/list?name=Software", f"/category/details/{kinds[0]}", "/customer/list"):
        assert "软件" in in_chinese(admin, path).text, path
        assert "软件" not in admin.page(path), path
    assert "软件" in in_chinese(admin, f"/customer/details/{firm}").text
    assert "没有预算" in in_chinese(admin, f"/lost-reason/details/{reason}").text
    assert "Silverware" in in_chinese(admin, "/category/list").text
    here = "/customer/ajax/lookup?name=industry_id&term="
    for term in ("软", "soft"):
        assert [one["text"] for one in in_chinese(admin, here + term).json()["results"]] == ["软件"]
    form = in_chinese(admin, f"/category/edit/{kinds[0]}").text
    assert 'value="Software"' in form  # what is edited is what is stored


def in_chinese(visitor: Visitor, path: str) -> Any:
    headers = {"cookie": f"crm_session={visitor.cookie}; crm_lang=zh"}
    return visitor.client.get(f"/admin{path}", headers=headers)


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
