"""Look-ups, business verbs, the dashboard, the inbox, notifications and history."""

from __future__ import annotations

import re
from typing import Any

from crm.actor import Scope
from crm.columns import now
from crm.models import Contact, Customer, EmailMessage, Notification, Task, User
from crm.models.email_message import EmailState
from crm.services import records
from tests import factories
from tests.admin.conftest import Visitor


def results(visitor: Visitor, query: str, identity: str = "contact") -> list[str]:
    answer = visitor.get(f"/{identity}/ajax/lookup?{query}")
    assert answer.status_code == 200, answer.text
    return [item["text"] for item in answer.json()["results"]]


def test_a_look_up_finds_by_the_search_index_and_never_more_than_twenty(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        for number in range(25):
            factories.make(Customer, session, name=f"Firm {number:02}")
        factories.make(Customer, session, name="华为技术")
    assert results(admin, "name=customer_id&term=华为") == ["华为技术"]
    assert len(results(admin, "name=customer_id&term=firm")) == 20
    assert len(results(admin, "name=customer_id&term=")) == 20
    assert results(admin, "name=customer_id&term=%25") == []


def test_a_look_up_shows_what_one_may_see_of_what_one_may_view(visitor: Any, as_system: Any) -> None:
    agent = visitor(view_contacts=Scope.ALL, view_customers=Scope.OWN, create_contact=Scope.ALL)
    with as_system() as session:
        factories.make(Customer, session, name="Mine", owner_id=agent.user_id)
        factories.make(Customer, session, name="Theirs")
        records.delete(session, factories.make(Customer, session, name="Gone", owner_id=agent.user_id))
    assert results(agent, "name=customer_id&term=") == ["Mine"]
    assert agent.get("/contact/ajax/lookup?name=tags&term=").status_code == 403
    assert agent.get("/contact/ajax/lookup?name=owner_id&term=").status_code == 403


def test_only_relations_of_the_form_and_the_filters_can_be_looked_up(admin: Visitor) -> None:
    for name in ("password_hash", "name", "created_by", "", "customer"):
        assert admin.get(f"/contact/ajax/lookup?name={name}&term=a").status_code == 404


def test_a_business_verb_is_a_button_that_posts_and_is_named_in_the_audit(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Task, session, title="Call").id
    page = admin.page(f"/task/details/{key}")
    assert f'action="/admin/task/do/{key}/complete"' in page
    assert f"/admin/task/do/{key}/reopen" not in page
    assert admin.post(f"/task/do/{key}/complete").status_code == 303
    page = admin.page(f"/task/details/{key}")
    assert f"/admin/task/do/{key}/reopen" in page
    assert "Complete" in page
    with as_system() as session:
        assert session.get(Task, key).completed_at is not None


def test_a_verb_needs_its_permission_its_row_and_its_name(visitor: Any, as_system: Any) -> None:
    agent = visitor(view_tasks=Scope.ALL, complete_task=Scope.OWN)
    with as_system() as session:
        mine = factories.make(Task, session, assignee_id=agent.user_id).id
        theirs = factories.make(Task, session).id
    assert agent.post(f"/task/do/{theirs}/complete").status_code == 403
    assert agent.post(f"/task/do/{mine}/explode").status_code == 404
    assert agent.post(f"/task/do/{mine}/complete").status_code == 303
    assert agent.post(f"/task/do/{mine}/reopen").status_code == 403


def test_a_verb_that_the_state_forbids_says_so(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Task, session).id
    admin.post(f"/task/do/{key}/complete")
    answer = admin.post(f"/task/do/{key}/complete")
    flash = answer.headers["set-cookie"].partition(";")[0]
    headers = {"cookie": f"crm_session={admin.cookie}; {flash}"}
    assert "The task is completed already" in admin.client.get(answer.headers["location"], headers=headers).text


def test_the_first_page_shows_my_open_tasks_and_counts_what_i_may_see(visitor: Any, as_system: Any) -> None:
    agent = visitor(view_tasks=Scope.ALL, view_customers=Scope.OWN)
    with as_system() as session:
        factories.make(Task, session, title="Mine to do", assignee_id=agent.user_id)
        factories.make(Task, session, title="Not mine")
        factories.make(Customer, session, name="Theirs")
    page = agent.page("/")
    assert "Mine to do" in page
    assert "Not mine" not in page
    assert "Latest opportunities" not in page


def test_news_are_counted_until_they_are_read(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        for user_id in (admin.user_id, factories.user(session).id):
            session.add(Notification(user_id=user_id, kind="reminder", title="Now"))
    counted = re.compile(r"<b hidden>|<b ?><span class=\"sr\">unread: </span><span class=\"num\">1<")
    assert "hidden" not in counted.findall(admin.page("/contact/list"))[0]
    with as_system() as session:
        for row in session.query(Notification):
            row.read_at = now()
    assert "hidden" in counted.findall(admin.page("/contact/list"))[0]


def _mail(session: Any, owner_id: int | None, **more: Any) -> int:
    number = next(factories._numbers)
    given = {"key": f"k{number}", "message_id": f"<m{number}@x>", "to_address": "li@example.com", "owner_id": owner_id}
    mail = EmailMessage(**given, state=EmailState.CAPTURED, **more)
    session.add(mail)
    session.flush()
    return mail.id


def test_captured_mail_is_read_in_a_frame_that_runs_nothing(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        html = "<h1>Hi</h1><script>alert(1)</script>"
        key = _mail(session, admin.user_id, subject="Reset your password", text_body="Hello", html_body=html)
    assert "Reset your password" in admin.page("/inbox")
    page = admin.page(f"/inbox/{key}")
    assert "sandbox" in page
    assert "alert(1)" not in page
    body = admin.get(f"/inbox/{key}/body")
    assert body.headers["content-security-policy"].startswith("sandbox")
    assert "allow-scripts" not in body.headers["content-security-policy"]
    assert "default-src 'none'" in body.headers["content-security-policy"]


def test_mail_is_only_for_those_who_may_view_it(visitor: Any, as_system: Any) -> None:
    reader, stranger = visitor(view_email_messages=Scope.OWN), visitor(view_contacts=Scope.ALL)
    with as_system() as session:
        mine = _mail(session, reader.user_id, subject="For me", html_body="<p>me</p>")
        other = _mail(session, factories.user(session).id, subject="For others", html_body="<p>others</p>")
    assert "For others" not in reader.page("/inbox")
    assert reader.get(f"/inbox/{mine}/body").status_code == 200
    for path in (f"/inbox/{other}", f"/inbox/{other}/body", "/inbox/abc"):
        assert reader.get(path).status_code == 404
    assert stranger.get("/inbox").status_code == 403
    assert stranger.get(f"/inbox/{mine}/body").status_code == 403


def test_the_history_of_a_record_names_people_and_hides_what_is_out_of_sight(visitor: Any, as_system: Any) -> None:
    agent = visitor(view_contacts=Scope.ALL, view_customers=Scope.OWN)
    with as_system() as session:
        hidden = factories.make(Customer, session, name="Secret Corp").id
        contact = factories.make(Contact, session, name="Li")
        records.update(session, contact, {"customer_id": hidden, "job_title": "Buyer"})
        key = contact.id
    page = agent.page(f"/contact/details/{key}")
    assert "Buyer" in page
    assert "Secret Corp" not in page


def test_a_long_history_comes_in_pages(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        contact = factories.make(Contact, session)
        for number in range(25):
            records.update(session, contact, {"job_title": f"Title {number:02}"})
        key = contact.id
    first, second = admin.page(f"/contact/details/{key}"), admin.page(f"/contact/details/{key}?history=2")
    assert "Title 20" in first
    assert "history=2" in first
    assert "Title 03" not in first
    assert "Title 03" in second


def test_texts_of_users_are_never_taken_for_markup(admin: Visitor, as_system: Any) -> None:
    payload = '<img src=x onerror="alert(1)">'
    with as_system() as session:
        firm = factories.make(Customer, session, name=payload, website="https://x.org").id
        contact = factories.make(Contact, session, name=payload, customer_id=firm, job_title=payload, notes=payload)
        session.get(User, admin.user_id).name = payload
        key = contact.id
    for path in ("/", "/contact/list", f"/contact/details/{key}", f"/contact/edit/{key}", f"/customer/details/{firm}"):
        assert "<img src=x" not in admin.get(path).text
    looked_up = admin.get("/contact/ajax/lookup?name=customer_id&term=")
    assert looked_up.headers["content-type"] == "application/json"
