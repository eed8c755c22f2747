"""Leaving at the API: counts first, then all of it to a colleague, access taken away in the same request."""

from __future__ import annotations

from crm.actor import Scope
from crm.models import Contact, Customer, Task
from tests.clients import World
from tests.factories import make

NONE = {"customers": 0, "contacts": 0, "opportunities": 0, "tasks": 0, "taskSeries": 0, "schedules": 0, "reminders": 0}


def test_open_records_are_counted_and_handed_over_and_access_ends_at_once(world: World) -> None:
    admin, leaver, colleague = world.admin(), world.caller(view_customers=Scope.OWN), world.caller()
    with world.session() as session:
        keys = [make(Customer, session, owner_id=leaver.user_id).id for _ in range(2)]
        make(Task, session, assignee_id=leaver.user_id)
    counts = NONE | {"customers": 2, "tasks": 1}
    path = f"/users/{leaver.user_id}"
    assert admin.data(f"{path}/open-records") == counts
    assert leaver.get("/customers").status_code == 200
    answer = admin.post(f"{path}/hand-over", {"toUserId": colleague.user_id, "disable": True})
    assert answer.json()["data"] == {"handedOver": counts, "disabled": True}
    assert leaver.get("/customers").status_code == 401
    assert {admin.data(f"/customers/{key}")["ownerId"] for key in keys} == {colleague.user_id}
    assert admin.data(f"{path}/open-records") == NONE


def test_what_a_deleted_user_left_behind_can_be_handed_over(world: World) -> None:
    admin, leaver, colleague = world.admin(), world.caller(), world.caller()
    with world.session() as session:
        key = make(Contact, session, owner_id=leaver.user_id).id
    assert admin.delete(f"/users/{leaver.user_id}").status_code == 200
    sent = {"toUserId": colleague.user_id, "kinds": ["contacts"]}
    answer = admin.post(f"/users/{leaver.user_id}/hand-over", sent)
    assert answer.json()["data"]["handedOver"] == NONE | {"contacts": 1}
    assert admin.data(f"/contacts/{key}")["ownerId"] == colleague.user_id


def test_the_receiver_must_be_able_to_sign_in(world: World) -> None:
    admin, leaver, gone = world.admin(), world.caller(), world.caller()
    admin.put(f"/users/{gone.user_id}", {"status": False})
    for key in (gone.user_id, leaver.user_id, 4711):
        answer = admin.post(f"/users/{leaver.user_id}/hand-over", {"toUserId": key})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "toUserId"


def test_only_those_with_the_right_ask_or_hand_over(world: World) -> None:
    leaver = world.caller()
    who = world.caller(view_users=Scope.ALL, update_user=Scope.ALL)
    assert who.get(f"/users/{leaver.user_id}/open-records").status_code == 403
    assert who.post(f"/users/{leaver.user_id}/hand-over", {"toUserId": who.user_id}).status_code == 403
    unseen = world.caller(view_users=Scope.OWN, hand_over_user=Scope.OWN)
    assert unseen.get(f"/users/{leaver.user_id}/open-records").status_code == 404
