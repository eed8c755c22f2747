"""Two people in one form: both changes are kept, or the second is asked, and nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from crm.actor import Scope
from crm.models import AuditEntry, Contact, Customer, Tag, User
from tests import factories
from tests.admin.conftest import Visitor, form_data

Make = Callable[..., Visitor]


@pytest.fixture
def ann(as_system: Any) -> int:
    """The number of a contact."""
    with as_system() as session:
        values = {"name": "Ann", "job_title": "Buyer", "department": "North", "notes": "First line"}
        return int(factories.make(Contact, session, **values).id)


@pytest.fixture
def other(visitor: Make) -> Visitor:
    return visitor(admin=True)


def save(who: Visitor, key: int, form: dict[str, Any], **typed: Any) -> Any:
    return who.post(f"/contact/edit/{key}", {**form, **typed})


def edit(who: Visitor, key: int, **typed: Any) -> Any:
    """Open the form and save it."""
    return save(who, key, who.form(f"/contact/edit/{key}"), **typed)


def stored(as_system: Any, key: int) -> Contact:
    with as_system() as session:
        contact = session.get(Contact, key)
        session.refresh(contact)
        session.expunge(contact)
        return contact  # type: ignore[no-any-return]


def name_of(as_system: Any, visitor: Visitor) -> str:
    with as_system() as session:
        return str(session.get(User, visitor.user_id).name)


def flash_of(visitor: Visitor, answer: Any) -> str:
    """What the page after a redirect says."""
    flash = answer.headers["set-cookie"].partition(";")[0]
    headers = {"cookie": f"crm_session={visitor.cookie}; {flash}"}
    return str(visitor.client.get(answer.headers["location"], headers=headers).text)


def test_changes_of_different_fields_are_merged_and_the_second_is_told(
    admin: Visitor, other: Visitor, ann: int, as_system: Any
) -> None:
    form = admin.form(f"/contact/edit/{ann}")
    assert edit(other, ann, job_title="Head of buying").status_code == 303
    answer = save(admin, ann, form, department="South")
    assert answer.status_code == 303
    contact = stored(as_system, ann)
    assert (contact.job_title, contact.department) == ("Head of buying", "South")
    assert f"merged with the change of {name_of(as_system, other)}" in flash_of(admin, answer)


def test_the_same_change_by_both_is_no_conflict(admin: Visitor, other: Visitor, ann: int, as_system: Any) -> None:
    form = admin.form(f"/contact/edit/{ann}")
    edit(other, ann, job_title="Head of buying")
    assert save(admin, ann, form, job_title="Head of buying").status_code == 303
    assert stored(as_system, ann).version == 2  # the second had nothing left to write


def test_what_both_changed_is_asked_and_what_one_changed_is_kept(
    admin: Visitor, other: Visitor, ann: int, as_system: Any
) -> None:
    form = admin.form(f"/contact/edit/{ann}")
    edit(other, ann, job_title="Theirs", department="West")
    answer = save(admin, ann, form, job_title="Mine", notes="Second line")
    assert answer.status_code == 409
    told = re.sub(r"\s+", " ", answer.text)
    for text in (
        f"Saved by {name_of(as_system, other)}",
        "Theirs",
        "Before both: Buyer",
        'value="Mine"',
        "Second line",
    ):
        assert text in told, text
    again = form_data(answer.text)
    assert (again["job_title"], again["department"], again["notes"]) == ("Mine", "West", "Second line")
    assert save(admin, ann, again).status_code == 303
    contact = stored(as_system, ann)
    assert (contact.job_title, contact.department, contact.notes) == ("Mine", "West", "Second line")


def test_theirs_can_be_kept_field_by_field(admin: Visitor, other: Visitor, ann: int, as_system: Any) -> None:
    form = admin.form(f"/contact/edit/{ann}")
    edit(other, ann, job_title="Their title", department="Theirs")
    again = form_data(save(admin, ann, form, job_title="My title", department="Mine").text)
    again |= {"choice-job_title": "theirs", "choice-department": "mine"}
    assert save(admin, ann, again).status_code == 303
    contact = stored(as_system, ann)
    assert (contact.job_title, contact.department) == ("Their title", "Mine")


def test_what_is_saved_from_the_conflict_page_is_checked_again(
    admin: Visitor, other: Visitor, ann: int, as_system: Any
) -> None:
    form = admin.form(f"/contact/edit/{ann}")
    edit(other, ann, job_title="Second")
    again = form_data(save(admin, ann, form, job_title="Mine").text)
    edit(other, ann, job_title="Third", department="East")
    answer = save(admin, ann, again)
    assert answer.status_code == 409
    assert "Third" in answer.text
    assert stored(as_system, ann).job_title == "Third"
    assert save(admin, ann, form_data(answer.text)).status_code == 303
    contact = stored(as_system, ann)
    assert (contact.job_title, contact.department) == ("Mine", "East")


def test_tags_added_and_taken_away_by_both_are_joined(admin: Visitor, other: Visitor, ann: int, as_system: Any) -> None:
    with as_system() as session:
        first, second, third, fourth = (str(factories.make(Tag, session).id) for _ in range(4))
    edit(admin, ann, tags=[first, second])
    form = admin.form(f"/contact/edit/{ann}")
    edit(other, ann, tags=[first, second, third])
    assert save(admin, ann, form, tags=[first, fourth]).status_code == 303
    with as_system() as session:
        assert {str(tag.id) for tag in session.get(Contact, ann).tags} == {first, third, fourth}


def test_a_wrong_value_beside_a_newer_version_keeps_all_that_was_typed(
    admin: Visitor, other: Visitor, ann: int, as_system: Any
) -> None:
    form = admin.form(f"/contact/edit/{ann}")
    edit(other, ann, department="West")
    answer = save(admin, ann, form, email="nonsense", job_title="Mine")
    assert answer.status_code == 400
    again = form_data(answer.text)
    assert (again["email"], again["job_title"]) == ("nonsense", "Mine")
    assert save(admin, ann, again, email="ann@example.com").status_code == 303
    contact = stored(as_system, ann)
    assert (contact.email, contact.job_title, contact.department) == ("ann@example.com", "Mine", "West")


def test_only_what_was_changed_is_written(admin: Visitor, ann: int, as_system: Any) -> None:
    sent = admin.form(f"/contact/edit/{ann}")
    kept = {name: sent[name] for name in ("version", "shown", "do_not_contact")}  # a box left out is an empty one
    assert admin.post(f"/contact/edit/{ann}", kept | {"job_title": "Boss"}).status_code == 303
    with as_system() as session:
        entry = session.query(AuditEntry).filter_by(entity="contact", action="update", record_id=ann).one()
        assert entry.changes == {"job_title": ["Buyer", "Boss"]}


def test_a_snapshot_of_another_record_or_of_nobodys_is_worth_nothing(admin: Visitor, ann: int, as_system: Any) -> None:
    with as_system() as session:
        bob = factories.make(Contact, session, name="Bob").id
    foreign = admin.form(f"/contact/edit/{bob}")["shown"]
    form = admin.form(f"/contact/edit/{ann}")
    for shown in (foreign, "", "abc", form["shown"][:-3]):
        answer = save(admin, ann, form, shown=shown, job_title="New")
        assert answer.status_code == 409
        assert form_data(answer.text)["job_title"] == "New"
    assert stored(as_system, ann).job_title == "Buyer"


def test_a_customer_out_of_sight_is_neither_lost_nor_named_in_a_conflict(
    visitor: Make, other: Visitor, ann: int, as_system: Any
) -> None:
    with as_system() as session:
        firm = factories.make(Customer, session, name="Secret Corp").id
        session.get(Contact, ann).customer_id = firm
    grants = {"view_contacts": Scope.ALL, "update_contact": Scope.ALL, "view_customers": Scope.OWN}
    agent = visitor(**grants)
    form = agent.form(f"/contact/edit/{ann}")
    edit(other, ann, job_title="Theirs")
    answer = save(agent, ann, form, job_title="Mine")
    assert (answer.status_code, "Secret" in answer.text) == (409, False)
    assert save(agent, ann, form_data(answer.text)).status_code == 303
    assert stored(as_system, ann).customer_id == firm


def test_many_who_save_different_fields_at_once_lose_nothing(visitor: Make, ann: int, as_system: Any) -> None:
    fields = ("job_title", "department", "phone", "mobile", "wechat", "notes")
    people = [visitor(admin=True) for _ in fields]
    forms = [person.form(f"/contact/edit/{ann}") for person in people]

    def one(place: int) -> int:
        text = f"+86 138 0013 800{place}" if fields[place] in ("phone", "mobile") else f"By {place}"
        return int(save(people[place], ann, forms[place], **{fields[place]: text}).status_code)

    with ThreadPoolExecutor(len(fields)) as pool:
        assert list(pool.map(one, range(len(fields)))) == [303] * len(fields)
    contact = stored(as_system, ann)
    assert [getattr(contact, name) != "" for name in fields] == [True] * len(fields)
    assert (contact.job_title, contact.department, contact.notes) == ("By 0", "By 1", "By 5")


def test_many_who_save_one_field_at_once_are_asked_but_for_the_first(visitor: Make, ann: int, as_system: Any) -> None:
    people = [visitor(admin=True) for _ in range(5)]
    forms = [person.form(f"/contact/edit/{ann}") for person in people]

    def one(place: int) -> int:
        return int(save(people[place], ann, forms[place], job_title=f"Title {place}").status_code)

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(one, range(5))) == [303, 409, 409, 409, 409]
    assert stored(as_system, ann).version == 2
