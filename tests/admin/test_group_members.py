"""Contacts in a group, from the group's side: taken in and out by those who may change them, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crm.actor import Scope
from crm.models import AuditEntry, Contact, ContactGroup
from tests import factories
from tests.admin.conftest import Visitor

AGENT = {"view_contact_groups": Scope.ALL, "view_contacts": Scope.ALL, "update_contact": Scope.OWN}
Make = Callable[..., Visitor]


@pytest.fixture
def group(as_system: Any) -> dict[str, int]:
    """A group with Ann in it; Bob and Cid are not."""
    with as_system() as session:
        made = factories.make(ContactGroup, session, name="Guests")
        ann = factories.make(Contact, session, name="Ann", groups=[made.id])
        rest = {name: factories.make(Contact, session, name=name).id for name in ("Bob", "Cid")}
        return {"group": made.id, "Ann": ann.id, **rest}


def inside(as_system: Any, group: dict[str, int]) -> list[str]:
    with as_system() as session:
        found = session.query(Contact).filter(Contact.groups.any(ContactGroup.id == group["group"]))
        return sorted(one.name for one in found)


def post(visitor: Visitor, group: dict[str, int], **sent: Any) -> Any:
    return visitor.post(f"/contact-group/members/{group['group']}", sent)


def test_members_are_shown_taken_in_and_out(admin: Visitor, group: dict[str, int], as_system: Any) -> None:
    page = admin.page(f"/contact-group/details/{group['group']}")
    assert f'name="remove" value="{group["Ann"]}"' in page
    assert "Bob" not in page
    answer = post(admin, group, add=[str(group["Bob"]), str(group["Cid"])])
    assert answer.headers["location"] == f"/admin/contact-group/details/{group['group']}#members"
    assert inside(as_system, group) == ["Ann", "Bob", "Cid"]
    post(admin, group, remove=str(group["Ann"]))
    assert inside(as_system, group) == ["Bob", "Cid"]
    with as_system() as session:
        changed = session.query(AuditEntry).filter_by(entity="contact", action="update").all()
        assert sorted(entry.record_id for entry in changed) == sorted(group[name] for name in ("Ann", "Bob", "Cid"))


def test_without_scripts_numbers_are_typed(admin: Visitor, group: dict[str, int], as_system: Any) -> None:
    post(admin, group, add=f"{group['Bob']}, {group['Cid']}")
    assert inside(as_system, group) == ["Ann", "Bob", "Cid"]


def test_one_that_is_no_contact_stops_the_whole(admin: Visitor, group: dict[str, int], as_system: Any) -> None:
    for wrong in ("", "abc", "0", "99999999999999999999", "999999"):
        answer = post(admin, group, add=[f"{group['Bob']} {wrong}"] if wrong else [])
        assert answer.status_code == 303
        assert "crm_flash" in answer.headers["set-cookie"]
        assert inside(as_system, group) == ["Ann"], wrong


def test_only_contacts_one_may_change_come_and_go(
    visitor: Make, group: dict[str, int], as_system: Any, stranger: Visitor
) -> None:
    agent = visitor(**AGENT)
    with as_system() as session:
        session.get(Contact, group["Bob"]).owner_id = agent.user_id
    page = agent.page(f"/contact-group/details/{group['group']}")
    assert "Ann" in page
    assert 'name="remove"' not in page
    assert post(agent, group, remove=str(group["Ann"])).status_code == 403
    assert post(agent, group, add=[str(group["Bob"]), str(group["Cid"])]).status_code == 403
    assert inside(as_system, group) == ["Ann"]
    post(agent, group, add=str(group["Bob"]))
    assert inside(as_system, group) == ["Ann", "Bob"]
    reader = visitor(view_contact_groups=Scope.ALL, view_contacts=Scope.OWN)
    page = reader.page(f"/contact-group/details/{group['group']}")
    assert "Ann" not in page
    assert "/members/" not in page
    assert post(reader, group, add=str(group["Bob"])).status_code == 403
    assert post(visitor(update_contact=Scope.ALL), group, add="1").status_code == 403
    assert stranger.call("POST", f"/contact-group/members/{group['group']}", data={}).status_code in (401, 403)
    assert agent.get(f"/contact-group/members/{group['group']}").status_code in (404, 405)


def test_a_group_in_the_trash_takes_nobody(admin: Visitor, group: dict[str, int], as_system: Any) -> None:
    admin.post(f"/contact-group/delete/{group['group']}")
    assert post(admin, group, add=str(group["Bob"])).status_code == 404
