"""Forms: only declared fields, errors where they belong, nothing lost when somebody else was faster."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from crm.actor import Scope
from crm.admin import forms
from crm.models import AuditEntry, Contact, Customer, Opportunity, Tag, User
from crm.services import records
from tests import factories
from tests.admin.conftest import Visitor

AGENT = {
    "view_opportunities": Scope.ALL,
    "update_opportunity": Scope.ALL,
    "view_customers": Scope.OWN,
    "view_contacts": Scope.OWN,
    "update_contact": Scope.OWN,
    "create_contact": Scope.OWN,
}
Make = Callable[..., Visitor]


def test_an_agent_edits_a_deal_of_a_colleagues_customer_and_the_customer_stays(visitor: Make, as_system: Any) -> None:
    agent = visitor(**AGENT)
    with as_system() as session:
        firm = factories.make(Customer, session, name="Secret Corp").id
        person = factories.make(Contact, session, name="Secret Person").id
        values = {"customer_id": firm, "contact_id": person, "name": "Old name"}
        deal = factories.make(Opportunity, session, **values).id
    page = agent.page(f"/opportunity/edit/{deal}")
    assert "Secret" not in page
    form = agent.form(f"/opportunity/edit/{deal}")
    assert form["customer_id"] == str(firm)
    assert agent.post(f"/opportunity/edit/{deal}", {**form, "name": "New name"}).status_code == 303
    with as_system() as session:
        stored = session.get(Opportunity, deal)
        assert (stored.name, stored.customer_id, stored.contact_id) == ("New name", firm, person)


def test_tags_in_the_trash_and_a_trashed_owner_survive_an_edit(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        tag, owner = factories.make(Tag, session), factories.user(session)
        key = factories.make(Contact, session, tags=[tag.id], owner_id=owner.id).id
        tag_id, owner_id, other = tag.id, owner.id, factories.make(Tag, session).id
        records.delete(session, tag)
        records.delete(session, session.get(User, owner_id))
    form = admin.form(f"/contact/edit/{key}")
    assert form["owner_id"] == str(owner_id)
    assert "in the trash" in admin.page(f"/contact/edit/{key}")
    assert admin.post(f"/contact/edit/{key}", {**form, "job_title": "Boss", "tags": [str(other)]}).status_code == 303
    with as_system() as session:
        records.restore(session, session.get(Tag, tag_id, execution_options={"trash": "any"}))
        contact = session.get(Contact, key)
        assert ({t.id for t in contact.tags}, contact.owner_id) == ({tag_id, other}, owner_id)


def test_a_record_out_of_reach_cannot_be_chosen_however_it_is_sent(visitor: Make, as_system: Any) -> None:
    agent = visitor(**AGENT)
    with as_system() as session:
        firm, tag = factories.make(Customer, session, name="Secret Corp").id, factories.make(Tag, session)
        records.delete(session, tag)
        gone = str(tag.id)
    one: list[dict[str, Any]] = [{"customer_id": key} for key in (str(firm), "999999", "abc")]
    for sent in (*one, {"tags": [gone]}, {"tags": ["999999"]}):
        answer = agent.post("/contact/create", {"name": "Li"} | sent)
        assert answer.status_code == 400, sent
        assert "Secret Corp" not in answer.text
    with as_system() as session:
        assert session.query(Contact).count() == 0


def test_only_declared_fields_are_written_whatever_is_sent(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Contact, session).id
        other = factories.user(session).id
    sent = {"id": "77", "created_by": str(other), "created_at": "2001-01-01", "search_text": "x", "deleted_at": "2001"}
    assert admin.post(f"/contact/edit/{key}", {**admin.form(f"/contact/edit/{key}"), **sent}).status_code == 303
    user = {"username": "eve", "email": "eve@example.com", "password_hash": "x", "access_version": "9", "status": "y"}
    assert admin.post("/user/create", user).status_code == 303
    with as_system() as session:
        contact = session.get(Contact, key)
        assert (contact.created_by, contact.created_at.year > 2001, contact.deleted_at) == (None, True, None)
        eve = session.query(User).filter_by(username="eve").one()
        assert (eve.password_hash, eve.access_version) == ("", 1)


def test_what_is_wrong_is_said_at_its_field_and_everything_typed_stays(admin: Visitor, as_system: Any) -> None:
    sent = {"name": "", "email": "nonsense", "birthday": "yesterday", "job_title": "采购经理", "customer_id": "0"}
    answer = admin.post("/contact/create", sent)
    assert answer.status_code == 400
    for field in ("name", "email", "birthday"):
        assert re.search(f'class="error" id="{field}-', answer.text), field
    assert "采购经理" in answer.text
    assert "nonsense" in answer.text
    with as_system() as session:
        assert session.query(Contact).count() == 0


def test_errors_are_told_in_the_readers_language(admin: Visitor) -> None:
    headers = {"cookie": f"crm_session={admin.cookie}; crm_lang=zh"}
    answer = admin.post("/contact/create", {"name": "", "email": "nonsense"}, headers=headers)
    assert "must be an e-mail address" not in answer.text
    assert "邮" in answer.text


def test_a_value_that_is_taken_is_refused_without_a_word_of_sql(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        factories.make(Tag, session, name="vip")
    answer = admin.post("/tag/create", {"name": "vip", "colour": "red"})
    assert answer.status_code == 400
    assert "Tag name already exists" in answer.text
    for leak in ("INSERT", "IntegrityError", "sqlite3", "asyncpg", "uq_tag"):
        assert leak not in answer.text


def test_an_unexpected_failure_keeps_what_was_typed_and_tells_nothing(
    admin: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_options: Any) -> Any:
        raise RuntimeError("SELECT secret FROM vault")

    monkeypatch.setattr(records, "create", broken)
    answer = admin.post("/contact/create", {"name": "欧阳"})
    assert answer.status_code == 500
    assert "欧阳" in answer.text
    assert "SELECT" not in answer.text


def test_a_stale_form_shows_who_changed_what_and_keeps_what_was_typed(
    admin: Visitor, visitor: Make, as_system: Any
) -> None:
    with as_system() as session:
        key = factories.make(Contact, session, name="Before", job_title="Old title").id
    form = admin.form(f"/contact/edit/{key}")
    other = visitor(admin=True)
    other.post(f"/contact/edit/{key}", {**other.form(f"/contact/edit/{key}"), "job_title": "Their title"})
    answer = admin.post(f"/contact/edit/{key}", {**form, "job_title": "My title"})
    assert answer.status_code == 409
    with as_system() as session:
        who = session.get(User, other.user_id).name
        assert session.get(Contact, key).job_title == "Their title"
    for told in (who, "Their title", "My title"):
        assert told in answer.text, told
    again = admin.post(f"/contact/edit/{key}", form_of(answer.text))
    assert again.status_code == 303
    with as_system() as session:
        assert session.get(Contact, key).job_title == "My title"


def form_of(page: str) -> dict[str, Any]:
    from tests.admin.conftest import form_data

    return form_data(page)


def test_a_form_without_a_version_overwrites_nothing(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Contact, session, job_title="Old title").id
    form = admin.form(f"/contact/edit/{key}") | {"job_title": "New"}
    for version in ("", "abc", "-1", "999999999999"):
        assert admin.post(f"/contact/edit/{key}", {**form, "version": version}).status_code == 409
    with as_system() as session:
        assert session.get(Contact, key).job_title == "Old title"


def test_what_cannot_be_seen_is_taken_out_of_names(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Contact, session, job_title="Old").id
    form = admin.form(f"/contact/edit/{key}")
    sent = {"name": "\u202eeeL \u200bnnA\u202c", "job_title": "محمد\u200cعلی", "notes": "a\u200eb"}
    assert admin.post(f"/contact/edit/{key}", form | sent).status_code == 303
    with as_system() as session:
        record = session.get(Contact, key)
        assert (record.name, record.job_title, record.notes) == ("eeL nnA", "محمد\u200cعلی", "a\u200eb")
    answer = admin.post(f"/contact/edit/{key}", admin.form(f"/contact/edit/{key}") | {"name": "\u2067\u2069"})
    assert (answer.status_code, "must not be empty" in answer.text) == (400, True)


def test_a_save_is_audited_with_before_and_after_in_the_same_transaction(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Contact, session, job_title="Old").id
    admin.post(f"/contact/edit/{key}", {**admin.form(f"/contact/edit/{key}"), "job_title": "New"})
    with as_system() as session:
        entry = session.query(AuditEntry).filter_by(entity="contact", action="update").one()
        assert entry.changes == {"job_title": ["Old", "New"]}
        assert entry.actor_id == admin.user_id


def test_instants_are_typed_and_shown_in_the_readers_zone(admin: Visitor, as_system: Any) -> None:
    from crm.models import Task

    with as_system() as session:
        records.update(session, session.get(User, admin.user_id), {"timezone": "Asia/Shanghai"})
    made = admin.post("/task/create", {"title": "Call", "due_at": "2026-11-30 09:00", "progress": "0"})
    assert made.status_code == 303, made.text[-2000:]
    key = int(made.headers["location"].rpartition("/")[2])
    with as_system() as session:
        assert session.get(Task, key).due_at.isoformat() == "2026-11-30T01:00:00+00:00"
    assert admin.form(f"/task/edit/{key}")["due_at"] == "2026-11-30 09:00"
    assert "09:00" in admin.page(f"/task/details/{key}")


def test_no_field_ever_gathers_validators(admin: Visitor) -> None:
    def weight() -> int:
        form = forms.blank(Contact)
        return sum(len(field.validators) for field in form)

    before = weight()
    for _ in range(5):
        admin.get("/contact/create")
    assert weight() == before


def test_a_form_never_holds_the_rows_of_a_related_table(admin: Visitor, as_system: Any) -> None:
    before = admin.page("/contact/create")
    with as_system() as session:
        for number in range(40):
            factories.make(Customer, session, name=f"Firm {number:02}")
    page = admin.page("/contact/create")
    assert "Firm " not in page
    assert page.count("<option") == before.count("<option")
    assert len(page) == len(before) < 60_000


def test_a_new_record_can_begin_with_values_from_the_address(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        firm = factories.make(Customer, session, name="Falcon Ltd").id
    form = admin.form(f"/contact/create?customer_id={firm}")
    assert form["customer_id"] == str(firm)
    assert "Falcon Ltd" in admin.page(f"/contact/create?customer_id={firm}")


def test_what_the_system_alone_writes_has_no_form(admin: Visitor) -> None:
    for identity in ("audit-entry", "job", "permission", "email-message", "opportunity-history"):
        assert admin.get(f"/{identity}/create").status_code == 403
        assert admin.post(f"/{identity}/create", {}).status_code == 403
