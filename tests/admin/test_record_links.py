"""The link to any record in forms: found by name in the reader's scope, kept where out of it, begun from a record."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from crm.actor import Scope
from crm.models import Contact, Customer, Opportunity, Product, Task
from crm.models.task import TaskStatus
from tests import factories
from tests.admin.conftest import Visitor

SALES = {
    **dict.fromkeys(("view_tasks", "create_task", "update_task", "view_customers", "view_contacts"), Scope.OWN),
    **dict.fromkeys(("view_opportunities", "create_opportunity", "create_contact"), Scope.OWN),
}
Make = Callable[..., Visitor]


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["text"] for row in answer.json()["results"]]


@pytest.fixture
def mine(visitor: Make, as_system: Any) -> tuple[Visitor, dict[str, int]]:
    """A sales person with a customer, and one that is a colleague's."""
    agent = visitor(**SALES)
    with as_system() as session:
        own = factories.make(Customer, session, name="Meridian Optics", owner_id=agent.user_id).id
        theirs = factories.make(Customer, session, name="Meridian Secret").id
    return agent, {"own": own, "theirs": theirs}


def test_a_record_is_found_by_name_or_number_as_far_as_one_sees(mine: tuple[Visitor, dict[str, int]]) -> None:
    agent, firm = mine
    found = agent.get("/links/lookup?kind=customer&term=Meridian").json()["results"]
    assert found == [
        {"id": str(firm["own"]), "text": "Meridian Optics", "url": f"/admin/customer/details/{firm['own']}"}
    ]
    assert names(agent.get(f"/links/lookup?kind=customer&term={firm['own']}")) == ["Meridian Optics"]
    assert "Meridian Secret" not in agent.get(f"/links/lookup?kind=customer&term={firm['theirs']}").text
    assert names(agent.get("/links/lookup?kind=customer")) == ["Meridian Optics"]
    for kind in ("user", "role", "product", "nonsense", "job"):
        assert agent.get(f"/links/lookup?kind={kind}&term=a").status_code == 403


def test_without_a_kind_all_kinds_are_searched_and_the_choice_tells_its_kind(
    mine: tuple[Visitor, dict[str, int]],
) -> None:
    agent, firm = mine
    for term in ("Meridian", ""):
        (group,) = agent.get(f"/links/lookup?term={term}").json()["results"]
        (row,) = group["children"]
        assert (row["kind"], row["number"], row["text"]) == ("customer", str(firm["own"]), "Meridian Optics")


def test_a_link_is_chosen_shown_by_name_and_opened(mine: tuple[Visitor, dict[str, int]], as_system: Any) -> None:
    agent, firm = mine
    sent = {"title": "Call them", "record_type": "customer", "record_id": str(firm["own"])}
    answer = agent.post("/task/create", {**agent.form("/task/create"), **sent})
    assert answer.status_code == 303
    page = agent.page(answer.headers["location"].removeprefix("/admin").replace("details", "edit"))
    assert re.search(rf'<a class="hint" href="/admin/customer/details/{firm["own"]}"[^>]*><span>Meridian Optics', page)
    assert re.search(r'<option selected value="customer">Customer</option>', page)
    with as_system() as session:
        assert (session.query(Task).one().record_type, session.query(Task).one().record_id) == ("customer", firm["own"])


WRONG = (
    ("customer", "999999", "record_id", "Customer not found"),
    ("customer", "abc", "record_id", "must be a whole number"),
    ("customer", "", "record_id", "the linked record itself"),
    ("", "5", "record_type", "the kind of the linked record"),
    ("user", "1", "record_type", "must be a kind of record"),
)


def test_a_wrong_link_is_said_at_its_field_and_stays(mine: tuple[Visitor, dict[str, int]]) -> None:
    agent, _ = mine
    for kind, number, at, said in WRONG:
        answer = agent.post("/task/create", {"title": "Call them", "record_type": kind, "record_id": number})
        assert answer.status_code == 400
        found = re.search(rf'id="{at}-note">.*?</span></span>', answer.text)
        assert found is not None
        assert said in found[0]
        assert f'value="{number}"' in answer.text


def test_a_colleagues_record_cannot_be_linked(mine: tuple[Visitor, dict[str, int]]) -> None:
    agent, firm = mine
    sent = {"title": "Call them", "record_type": "customer", "record_id": str(firm["theirs"])}
    answer = agent.post("/task/create", sent)
    assert answer.status_code == 400
    assert "Meridian Secret" not in answer.text


def test_a_link_out_of_ones_scope_survives_an_edit_and_tells_no_name(
    mine: tuple[Visitor, dict[str, int]], as_system: Any
) -> None:
    agent, firm = mine
    with as_system() as session:
        link = {"record_type": "customer", "record_id": firm["theirs"], "assignee_id": agent.user_id}
        task = factories.make(Task, session, title="Old", **link).id
        product = factories.make(Product, session, name="Secret lens").id
        link = {"record_type": "product", "record_id": product, "assignee_id": agent.user_id}
        other = factories.make(Task, session, title="Old", **link).id
    for key, held in ((task, ("customer", firm["theirs"])), (other, ("product", product))):
        page = agent.page(f"/task/edit/{key}")
        assert "Secret" not in page
        assert "Not visible" in page
        form = agent.form(f"/task/edit/{key}")
        assert (form["record_type"], form["record_id"]) == (held[0], str(held[1]))
        assert agent.post(f"/task/edit/{key}", {**form, "title": "New"}).status_code == 303
        with as_system() as session:
            stored = session.get(Task, key)
            assert (stored.title, stored.record_type, stored.record_id) == ("New", *held)


def test_two_who_change_the_link_at_once_are_asked_for_the_whole_of_it(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        firms = [factories.make(Customer, session).id for _ in range(2)]
        people = [factories.make(Contact, session, name=f"Person {n}").id for n in range(2)]
        link = {"record_type": "customer", "record_id": firms[0], "due_at": None}
        task = factories.make(Task, session, **link).id
    form = admin.form(f"/task/edit/{task}")
    first = admin.post(f"/task/edit/{task}", {**form, "record_id": str(firms[1])})
    assert first.status_code == 303
    answer = admin.post(f"/task/edit/{task}", {**form, "record_type": "contact", "record_id": str(people[0])})
    assert answer.status_code == 409
    assert 'name="choice-record_type"' in answer.text
    assert 'name="choice-record_id"' in answer.text
    half = admin.post(f"/task/edit/{task}", {**form, "record_type": "contact"})
    assert half.status_code == 409
    with as_system() as session:
        stored = session.get(Task, task)
        assert (stored.record_type, stored.record_id) == ("customer", firms[1])


def begun(page: str, what: str) -> dict[str, str]:
    """The query of the form that a record's page offers."""
    found = re.search(rf'href="(/admin/{what}/create\?[^"]*)"', page)
    assert found is not None, what
    return {name: values[0] for name, values in parse_qs(urlsplit(found[1]).query).items()}


def test_a_form_begun_from_a_record_knows_it_and_leads_back(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        firm = factories.make(Customer, session, name="Meridian Optics").id
        person = factories.make(Contact, session, name="Li Na", customer_id=firm).id
        deal = factories.make(Opportunity, session, customer_id=firm, contact_id=person).id
        task = factories.make(Task, session, record_type="customer", record_id=firm).id
    back = f"/admin/customer/details/{firm}"
    page = admin.page(f"/customer/details/{firm}")
    assert begun(page, "task") == {"record_type": "customer", "record_id": str(firm), "back": back}
    assert begun(page, "contact") == {"customer_id": str(firm), "back": back}
    form = admin.form(f"/task/create?record_type=customer&record_id={firm}&back={back}")
    assert (form["record_type"], form["record_id"]) == ("customer", str(firm))
    answer = admin.post(f"/task/create?back={back}", {**form, "title": "Call them"})
    assert (answer.status_code, answer.headers["location"]) == (303, back)
    found = begun(admin.page(f"/contact/details/{person}"), "opportunity")
    assert (found["contact_id"], found["customer_id"]) == (str(person), str(firm))
    found = begun(admin.page(f"/opportunity/details/{deal}"), "interaction")
    assert (found["opportunity_id"], found["contact_id"]) == (str(deal), str(person))
    found = begun(admin.page(f"/task/details/{task}"), "task")
    assert (found["parent_id"], found["record_type"], found["record_id"]) == (str(task), "customer", str(firm))


def test_only_what_one_may_make_is_begun_and_nothing_unseen_is_named(visitor: Make, as_system: Any) -> None:
    agent = visitor(**{**SALES, "view_contacts": Scope.ALL, "create_task": Scope.OWN})
    with as_system() as session:
        firm = factories.make(Customer, session, name="Secret Corp").id
        person = factories.make(Contact, session, customer_id=firm).id
        values = {"assignee_id": agent.user_id, "status": TaskStatus.COMPLETED, "progress": 100}
        done = factories.make(Task, session, **values).id
    page = agent.page(f"/contact/details/{person}")
    assert "customer_id" not in begun(page, "opportunity")
    assert "/admin/reminder/create" not in page
    assert "/admin/interaction/create" not in page
    assert "/admin/task/create" not in agent.page(f"/task/details/{done}")


def test_a_new_record_says_whose_it_will_be(visitor: Make) -> None:
    agent = visitor(**SALES, view_users=Scope.ALL)
    assert agent.form("/task/create")["assignee_id"] == str(agent.user_id)
    assert agent.form("/contact/create")["owner_id"] == str(agent.user_id)
    assert visitor(**SALES).form("/task/create")["assignee_id"] == ""  # whoever sees no users is not named either
