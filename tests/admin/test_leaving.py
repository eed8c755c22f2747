"""Somebody leaves: the panel counts what is open and theirs, and hands it over in one step."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from crm.actor import Scope
from crm.models import Customer, Task, User
from tests import factories
from tests.admin.conftest import Visitor

Make = Callable[..., Visitor]


@pytest.fixture
def leaver(as_system: Any) -> dict[str, int]:
    with as_system() as session:
        user, colleague = factories.user(session), factories.user(session)
        customer = factories.make(Customer, session, owner_id=user.id)
        task = factories.make(Task, session, assignee_id=user.id)
        return {"user": user.id, "colleague": colleague.id, "customer": customer.id, "task": task.id}


def owners(as_system: Any, leaver: dict[str, int]) -> tuple[int, int]:
    with as_system() as session:
        return session.get(Customer, leaver["customer"]).owner_id, session.get(Task, leaver["task"]).assignee_id


def test_a_disabled_user_leads_to_what_they_leave_behind(admin: Visitor, leaver: Any, as_system: Any) -> None:
    form = admin.form(f"/user/edit/{leaver['user']}")
    form.pop("status")
    answer = admin.post(f"/user/edit/{leaver['user']}", form)
    assert answer.headers["location"] == f"/admin/user/do/{leaver['user']}/hand_over?left=1"
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", admin.page(f"/user/do/{leaver['user']}/hand_over?left=1")))
    for text in ("may no longer sign in", "Customers 1", "Tasks 1", "Contacts 0"):
        assert text in page, text


def test_what_is_ticked_is_handed_over_and_access_taken_away(admin: Visitor, leaver: Any, as_system: Any) -> None:
    path = f"/user/do/{leaver['user']}/hand_over"
    sent = {"to_user_id": str(leaver["colleague"]), "kind-customers": "1", "disable": "1"}
    assert admin.post(path, sent).status_code == 303
    assert owners(as_system, leaver) == (leaver["colleague"], leaver["user"])
    with as_system() as session:
        assert session.get(User, leaver["user"]).status is False
    assert "disable" not in admin.form(path)


def test_what_is_wrong_is_said_and_nothing_is_changed(admin: Visitor, leaver: Any, as_system: Any) -> None:
    path = f"/user/do/{leaver['user']}/hand_over"
    for key in ("", "abc", str(leaver["user"]), "4711"):
        answer = admin.post(path, {"to_user_id": key, "kind-tasks": "1", "disable": "1"})
        assert answer.status_code == 400
        assert "must be another user, who may sign in" in answer.text
        assert re.search(r'name="kind-tasks"[^>]*checked', answer.text)
        assert not re.search(r'name="kind-customers"[^>]*checked', answer.text)
    assert owners(as_system, leaver) == (leaver["user"], leaver["user"])


def test_deleting_a_user_offers_to_hand_over_first(admin: Visitor, leaver: Any) -> None:
    path = f"/user/do/{leaver['user']}/hand_over"
    assert path in admin.page(f"/user/delete/{leaver['user']}")
    assert path in admin.page(f"/user/details/{leaver['user']}")
    admin.post(f"/user/delete/{leaver['user']}")
    sent = {"to_user_id": str(leaver["colleague"]), "kind-tasks": "1", "trashed": "1"}
    assert admin.post(path, sent).headers["location"] == "/admin/user/list"


def test_without_the_right_there_is_no_offer_and_no_door(visitor: Make, leaver: Any, as_system: Any) -> None:
    clerk = visitor(view_users=Scope.ALL, update_user=Scope.ALL, delete_user=Scope.ALL)
    path = f"/user/do/{leaver['user']}/hand_over"
    for page in ("details", "delete"):
        assert path not in clerk.page(f"/user/{page}/{leaver['user']}")
    assert clerk.get(path).status_code == 403
    assert clerk.post(path, {"to_user_id": str(leaver["colleague"]), "kind-tasks": "1"}).status_code == 403
    form = clerk.form(f"/user/edit/{leaver['user']}")
    form.pop("status")
    answer = clerk.post(f"/user/edit/{leaver['user']}", form)
    assert answer.headers["location"] == f"/admin/user/details/{leaver['user']}"
