"""Colleagues offered where @ is typed: those one sees, by user name and name, as the service understands them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crm.actor import Scope
from crm.models import Contact, Notification, User
from crm.services import mentions, records
from tests import factories
from tests.admin.conftest import Visitor


def offered(visitor: Visitor, term: str) -> list[str]:
    answer = visitor.get("/mentions", params={"term": term})
    assert answer.status_code == 200
    return [one["username"] for one in answer.json()["results"]]


@pytest.fixture
def people(as_system: Any) -> dict[str, int]:
    with as_system() as session:
        made = {}
        for username, name in (("mara", "Mara Lind"), ("wang.fang", "王芳"), ("xmara", "X"), ("gone", "Mara Gone")):
            user = factories.user(session)
            user.username, user.name = username, name
            made[username] = user
        made["gone"].status = False
        mail = factories.user(session)
        mail.username = mail.email = "mara@example.com"
        session.flush()
        return {name: user.id for name, user in made.items()}


def test_those_whose_name_begins_so_stand_first_and_only_who_can_be_named(
    visitor: Callable[..., Visitor], people: dict[str, int]
) -> None:
    agent = visitor(view_users=Scope.ALL)
    assert offered(agent, "mara") == ["mara", "xmara"]
    assert offered(agent, "MARA l") == ["mara"]
    assert offered(agent, "王") == ["wang.fang"]
    assert offered(agent, "%") == []
    assert len(offered(agent, "")) <= mentions.OFFERED


def test_one_is_offered_only_whom_one_sees_and_never_oneself(
    visitor: Callable[..., Visitor], people: dict[str, int], stranger: Visitor
) -> None:
    assert offered(visitor(view_contacts=Scope.ALL), "mara") == []
    assert offered(visitor(view_users=Scope.OWN), "") == []
    assert offered(visitor(user_id=people["mara"], view_users=Scope.ALL), "mara") == []
    assert stranger.get("/mentions?term=mara").status_code == 303


def test_what_is_offered_is_what_tells_the_colleague(admin: Visitor, people: dict[str, int], as_system: Any) -> None:
    with as_system() as session:
        contact = factories.make(Contact, session, owner_id=people["wang.fang"]).id
        colleague = session.get(User, people["wang.fang"])
        records.update(session, colleague, {"roles": [role.id for role in factories.user(session, admin=True).roles]})
    assert 'data-mentions="/admin/mentions"' in admin.page(f"/contact/edit/{contact}")
    (name,) = offered(admin, "wang")
    form = admin.form(f"/contact/edit/{contact}")
    assert admin.post(f"/contact/edit/{contact}", {**form, "notes": f"@{name} please call"}).status_code == 303
    with as_system() as session:
        assert session.query(Notification).filter_by(kind="mentioned", user_id=people["wang.fang"]).count() == 1
