"""Deleting, restoring, purging: by POST, in one transaction, exactly the rows that were meant."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crm.actor import Scope
from crm.admin import removal
from crm.models import AuditEntry, Contact, Customer, Opportunity, Tag, Task
from tests import factories
from tests.admin.conftest import Visitor
from tests.admin.test_lists import names


@pytest.fixture
def people(as_system: Any) -> dict[str, int]:
    with as_system() as session:
        return {name: factories.make(Contact, session, name=name).id for name in ("Ann", "Bob", "Cid", "Dan")}


def test_many_records_go_to_the_trash_and_come_back_together(admin: Visitor, people: Any, as_system: Any) -> None:
    ids = [str(people["Ann"]), str(people["Bob"])]
    assert admin.post("/contact/bulk/delete", {"ids": ids}).status_code == 303
    assert names(admin, "/contact/list?sortBy=name") == ["Cid", "Dan"]
    with as_system() as session:
        deleted = session.query(AuditEntry).filter_by(entity="contact", action="delete").all()
        assert {entry.record_id for entry in deleted} == {people["Ann"], people["Bob"]}
    assert admin.post("/contact/bulk/restore", {"ids": ids}).status_code == 303
    assert names(admin, "/contact/list?sortBy=name") == ["Ann", "Bob", "Cid", "Dan"]


def test_all_that_the_list_matches_can_be_deleted_and_nothing_else(admin: Visitor, people: Any) -> None:
    admin.post("/contact/bulk/delete", {"all": "1", "query": "name__contains=a"})
    assert names(admin, "/contact/list?sortBy=name") == ["Bob", "Cid"]
    admin.post("/contact/bulk/purge", {"all": "1", "query": "trash=1&name=Ann"})
    assert names(admin, "/contact/list?trash=1") == ["Dan"]


def test_a_query_that_makes_no_sense_deletes_nothing(admin: Visitor, people: Any) -> None:
    for query in ("customer_id=abc", "trash=1", "created_at__gte=nonsense"):
        admin.post("/contact/bulk/delete", {"all": "1", "query": query})
    assert len(names(admin, "/contact/list")) == 4


def test_too_many_matches_are_refused(admin: Visitor, people: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "MOST", 3)
    admin.post("/contact/bulk/delete", {"all": "1", "query": ""})
    assert len(names(admin, "/contact/list")) == 4


@pytest.mark.parametrize("ids", [[], ["abc"], ["1,2"], ["99999999999999999999"], ["-1"], ["1", "4711"]])
def test_one_wrong_number_stops_the_whole(admin: Visitor, people: Any, ids: list[str]) -> None:
    assert admin.post("/contact/bulk/delete", {"ids": ids}).status_code == 303
    assert len(names(admin, "/contact/list")) == 4


def test_a_row_out_of_reach_stops_the_whole(visitor: Any, people: Any, as_system: Any) -> None:
    agent = visitor(view_contacts=Scope.ALL, delete_contact=Scope.OWN)
    with as_system() as session:
        mine = factories.make(Contact, session, name="Mine", owner_id=agent.user_id).id
    assert agent.post("/contact/bulk/delete", {"ids": [str(mine), str(people["Ann"])]}).status_code == 403
    assert len(names(agent, "/contact/list")) == 5
    assert agent.post("/contact/bulk/delete", {"ids": [str(mine)]}).status_code == 303


def test_nothing_is_deleted_by_sqladmins_own_ways(admin: Visitor, people: Any) -> None:
    key = people["Ann"]
    token = {"x-csrf-token": admin.token}
    assert admin.call("DELETE", f"/contact/delete?pks={key}", headers=token).status_code in (404, 405)
    assert admin.get(f"/contact/delete?pks={key}").status_code in (404, 405)
    assert admin.get(f"/contact/delete/{key}").status_code == 200  # asks, and does nothing
    assert admin.get("/contact/action/delete").status_code in (404, 405)
    assert len(names(admin, "/contact/list")) == 4


def test_only_what_lies_in_the_trash_is_deleted_for_good(admin: Visitor, people: Any, as_system: Any) -> None:
    key = people["Ann"]
    assert admin.post(f"/contact/purge/{key}").status_code == 404
    admin.post(f"/contact/delete/{key}")
    assert admin.post(f"/contact/purge/{key}").status_code == 303
    with as_system() as session:
        assert session.get(Contact, key, execution_options={"trash": "any"}) is None
        assert session.query(AuditEntry).filter_by(entity="contact", action="purge", record_id=key).one()


def test_what_others_refer_to_is_not_purged_and_the_sentence_says_why(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        firm = factories.make(Customer, session, name="Falcon").id
        factories.make(Customer, session, parent_id=firm)
    admin.post(f"/customer/delete/{firm}")
    answer = admin.post(f"/customer/purge/{firm}")
    flash = answer.headers["set-cookie"].partition(";")[0]
    headers = {"cookie": f"crm_session={admin.cookie}; {flash}"}
    page = admin.client.get(answer.headers["location"], headers=headers)
    assert "It cannot be deleted while other records refer to it" in page.text


def test_restoring_onto_a_taken_name_is_refused(admin: Visitor, as_system: Any) -> None:
    from crm.models import Tag

    with as_system() as session:
        key = factories.make(Tag, session, name="vip").id
    admin.post(f"/tag/delete/{key}")
    with as_system() as session:
        factories.make(Tag, session, name="vip")
    admin.post(f"/tag/restore/{key}")
    with as_system() as session:
        assert session.get(Tag, key) is None or session.get(Tag, key).deleted_at is not None


@pytest.fixture
def firm(as_system: Any) -> dict[str, int]:
    """A customer with two contacts, a deal and a task of the deal."""
    with as_system() as session:
        customer = factories.make(Customer, session, name="Falcon")
        for name in ("Ann", "Bob"):
            factories.make(Contact, session, name=name, customer_id=customer.id)
        deal = factories.make(Opportunity, session, customer_id=customer.id)
        factories.make(Task, session, record_type="opportunity", record_id=deal.id)
        return {"customer": customer.id, "deal": deal.id}


def told(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def shown_next(visitor: Visitor, answer: Any) -> str:
    """The page that a redirect leads to, with the message that waited for it."""
    cookies = f"crm_session={visitor.cookie}; crm_flash={answer.cookies['crm_flash']}"
    return visitor.page(answer.headers["location"].removeprefix("/admin"), headers={"cookie": cookies})


def test_deleting_tells_first_what_goes_with_it(admin: Visitor, firm: Any, as_system: Any) -> None:
    page = told(admin.page(f"/customer/delete/{firm['customer']}"))
    for text in ("Move to the trash: Falcon", "Goes with it", "Contacts 2", "Opportunities 1", "Tasks 1"):
        assert text in page, text
    assert names(admin, "/customer/list") == ["Falcon"]
    admin.post(f"/customer/delete/{firm['customer']}")
    assert names(admin, "/contact/list") == []
    page = told(admin.page(f"/customer/purge/{firm['customer']}"))
    assert "Delete for good: Falcon" in page
    assert "Contacts 2" in page
    answer = admin.post(f"/customer/restore/{firm['customer']}")
    assert len(names(admin, "/contact/list")) == 2
    assert "Restored, with it: 4 records" in shown_next(admin, answer)


def test_deleting_tells_what_stays(admin: Visitor, firm: Any, as_system: Any) -> None:
    with as_system() as session:
        tag = factories.make(Tag, session, name="vip").id
        person = session.query(Contact).filter_by(name="Ann").one()
        session.get(Opportunity, firm["deal"]).contact_id = person.id
        key = person.id
    assert "Nothing hangs on it" in told(admin.page(f"/tag/delete/{tag}"))
    assert "Stays, and keeps pointing at it Opportunities 1" in told(admin.page(f"/contact/delete/{key}"))


def test_records_of_the_same_kind_are_called_what_they_are_to_the_one_that_goes(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        head, whole = factories.make(Customer, session), factories.make(Task, session)
        factories.make(Customer, session, parent_id=head.id)
        factories.make(Task, session, parent_id=whole.id)
        keys = head.id, whole.id
    assert "Stays, and keeps pointing at it Subsidiaries 1" in told(admin.page(f"/customer/delete/{keys[0]}"))
    assert "Goes with it Subtasks 1" in told(admin.page(f"/task/delete/{keys[1]}"))


def test_who_may_not_delete_all_of_it_is_told_and_not_asked(visitor: Any, firm: Any, as_system: Any) -> None:
    grants = {"view_customers": Scope.ALL, "delete_customer": Scope.ALL, "view_contacts": Scope.ALL}
    agent = visitor(**grants)
    page = agent.page(f"/customer/delete/{firm['customer']}")
    assert "records that you may not delete" in page
    assert "Others, which you may not see: 2" in page
    assert 'type="submit">Move to the trash' not in page
    assert agent.post(f"/customer/delete/{firm['customer']}").status_code == 403
    assert names(agent, "/customer/list") == ["Falcon"]


def test_deleting_many_tells_the_totals_first(admin: Visitor, firm: Any, as_system: Any) -> None:
    with as_system() as session:
        other = factories.make(Customer, session, name="Egret").id
        factories.make(Contact, session, customer_id=other)
    sent = {"ids": [str(firm["customer"]), str(other)]}
    answer = admin.post("/customer/bulk/delete/ask", sent)
    page = told(answer.text)
    assert answer.status_code == 200
    assert "Customers (2)" in page
    assert "Contacts 3" in page
    assert answer.text.count('name="ids"') == 2
    assert len(names(admin, "/customer/list")) == 2
    admin.post("/customer/bulk/delete", sent)
    assert names(admin, "/contact/list") == []
    answer = admin.post("/customer/bulk/restore", sent)
    assert len(names(admin, "/contact/list")) == 3
    assert "2 records restored, with it: 5 records" in shown_next(admin, answer)


def test_a_task_and_its_part_can_be_deleted_together(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        whole = factories.make(Task, session)
        part = factories.make(Task, session, parent_id=whole.id)
        ids = [str(whole.id), str(part.id)]
    assert admin.post("/task/bulk/delete", {"ids": ids}).status_code == 303
    with as_system() as session:
        marks = [session.get(Task, int(key), execution_options={"trash": "any"}).deleted_with for key in ids]
        assert marks == [None, None]
