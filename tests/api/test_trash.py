"""The trash at the API: what deleting would mean, coming back together, names that were taken meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import Scope
from crm.models import Contact, Customer, Opportunity, Role, Tag, Task
from crm.models.permission import Permission
from crm.models.role import RolePermission
from tests.clients import Caller, World
from tests.factories import make


@pytest.fixture
def firm(world: World) -> dict[str, int]:
    with world.session() as session:
        customer = make(Customer, session)
        contact = make(Contact, session, customer_id=customer.id)
        deal = make(Opportunity, session, customer_id=customer.id, contact_id=contact.id)
        task = make(Task, session, record_type="opportunity", record_id=deal.id)
        return {"customers": customer.id, "contacts": contact.id, "opportunities": deal.id, "tasks": task.id}


def there(who: Caller, firm: dict[str, int]) -> set[str]:
    return {path for path, key in firm.items() if who.get(f"/{path}/{key}").status_code == 200}


def test_what_hangs_on_a_record_is_counted_before_it_is_deleted(admin: Caller, firm: Any) -> None:
    told = admin.data(f"/customers/{firm['customers']}/dependents")
    goes = [{"entity": name, "count": 1} for name in ("contact", "opportunity", "task")]
    assert told == {"allowed": True, "goes": goes, "stays": [], "refused": [], "others": 0}
    told = admin.data(f"/contacts/{firm['contacts']}/dependents")
    assert told["stays"] == [{"entity": "opportunity", "count": 1}]


def test_it_goes_and_comes_back_together(admin: Caller, firm: Any) -> None:
    assert admin.delete(f"/customers/{firm['customers']}").status_code == 200
    assert there(admin, firm) == set()
    answer = admin.post(f"/customers/{firm['customers']}/restore")
    assert answer.json() == {
        "code": 200,
        "message": "Customer restored successfully",
        "data": {"id": firm["customers"], "along": 3},
    }
    assert there(admin, firm) == set(firm)
    assert admin.post(f"/customers/{firm['customers']}/restore").status_code == 404


def test_restoring_onto_a_taken_name_is_a_conflict(admin: Caller, world: World) -> None:
    with world.session() as session:
        key = make(Tag, session, name="vip").id
    admin.delete(f"/tags/{key}")
    with world.session() as session:
        make(Tag, session, name="vip")
    answer = admin.post(f"/tags/{key}/restore")
    assert (answer.status_code, answer.json()["message"]) == (409, "Tag name already exists")


def test_whoever_may_not_delete_all_of_it_is_refused_with_what_it_is(world: World, admin: Caller, firm: Any) -> None:
    grants: Any = {"view_customers": Scope.ALL, "delete_customer": Scope.ALL, "view_contacts": Scope.ALL}
    who = world.caller(**grants)
    path = f"/customers/{firm['customers']}"
    told = who.data(f"{path}/dependents")
    assert (told["allowed"], told["others"]) == (False, 2)
    assert told["refused"] == [{"entity": "contact", "count": 1}]
    answer = who.delete(path)
    assert answer.status_code == 403
    assert answer.json()["message"] == "You may not delete what would go along: Contacts (1)"
    assert there(admin, firm) == set(firm)


def test_one_who_may_not_delete_is_told_nothing(world: World, firm: Any) -> None:
    who = world.caller(view_customers=Scope.ALL)
    path = f"/customers/{firm['customers']}"
    assert who.get(f"{path}/dependents").status_code == 403
    assert who.post(f"{path}/restore").status_code == 403
    own = world.caller(view_customers=Scope.OWN, delete_customer=Scope.OWN)
    assert own.get(f"{path}/dependents").status_code == 404
    assert own.post(f"{path}/restore").status_code == 404


def test_a_role_with_more_than_ones_own_rights_stays_in_the_trash(world: World, admin: Caller) -> None:
    with world.session() as session:
        seeing = Permission(name="view_audit_entries", action="view", resource="audit_entries")
        role = Role(name="auditor", grants=[RolePermission(permission=seeing, scope=Scope.ALL)])
        session.add(role)
        session.flush()
        key = role.id
    assert admin.delete(f"/roles/{key}").status_code == 200
    clerk = world.caller(manage_roles=Scope.ALL)
    assert clerk.post(f"/roles/{key}/restore").status_code == 403
    assert admin.post(f"/roles/{key}/restore").status_code == 200


def test_many_go_with_what_hangs_on_them_even_if_one_hangs_on_another(world: World, admin: Caller) -> None:
    with world.session() as session:
        whole = make(Task, session)
        part = make(Task, session, parent_id=whole.id)
        keys = [whole.id, part.id]
    assert admin.post("/tasks/bulk", {"delete": keys}).json()["data"]["deleted"] == keys
    for key in keys:
        assert admin.get(f"/tasks/{key}").status_code == 404
    assert admin.post("/tasks/bulk", {"delete": keys}).status_code == 400
