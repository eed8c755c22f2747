"""Customers at the API: status with history, parent companies, by all doors and at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from crm.actor import Scope
from tests.clients import Caller, World


def _make(caller: Caller, **body: Any) -> int:
    answer = caller.post("/customers", {"name": "Acme", **body})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["id"])


def _history(caller: Caller, key: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.data(f"/status-histories?customerId={key}&sort=createdAt,id")["list"]
    return found


def test_every_door_of_the_api_writes_the_history(admin: Caller) -> None:
    key = _make(admin)
    assert admin.put(f"/customers/{key}", {"status": "active"}).status_code == 200
    reason = {"status": "at_risk", "statusReason": "Late payments"}
    assert admin.call("PATCH", f"/customers/{key}", json=reason).status_code == 200
    rows = [{"id": key, "status": "dormant"}]
    assert admin.post("/customers/bulk", {"update": rows}).status_code == 200
    answer = admin.post(f"/customers/{key}/set-status", {"status": "churned", "reason": "Bought elsewhere"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["statusReason"] == "Bought elsewhere"
    found = _history(admin, key)
    assert [(row["before"], row["after"], row["reason"]) for row in found] == [
        (None, "prospect", ""),
        ("prospect", "active", ""),
        ("active", "at_risk", "Late payments"),
        ("at_risk", "dormant", ""),
        ("dormant", "churned", "Bought elsewhere"),
    ]
    assert {row["changedBy"] for row in found} == {admin.user_id}
    assert [row["secondsInStatus"] is None for row in found] == [True, False, False, False, False]
    assert admin.data(f"/customers/{key}")["statusSince"] == found[-1]["createdAt"]


@pytest.mark.parametrize("status", ["churned", "at_risk"])
def test_whoever_leaves_leaves_for_a_reason(admin: Caller, status: str) -> None:
    key = _make(admin)
    sentence = "is needed for a customer who is at risk or has left"
    answer = admin.put(f"/customers/{key}", {"status": status})
    assert (answer.status_code, answer.json()["message"]) == (400, f"statusReason: {sentence}")
    answer = admin.post(f"/customers/{key}/set-status", {"status": status})
    assert (answer.status_code, answer.json()["message"]) == (400, f"reason: {sentence}")
    long = admin.post(f"/customers/{key}/set-status", {"status": status, "reason": "x" * 301})
    assert long.status_code == 400
    assert len(_history(admin, key)) == 1


def test_setting_the_same_status_is_a_conflict(admin: Caller) -> None:
    answer = admin.post(f"/customers/{_make(admin)}/set-status", {"status": "prospect"})
    assert (answer.status_code, answer.json()["message"]) == (409, "The customer has this status already")


def test_the_history_is_seen_with_the_customer_and_written_by_nobody(world: World, admin: Caller) -> None:
    agent = world.caller(view_customers=Scope.OWN, view_status_histories=Scope.OWN)
    theirs, mine = _make(admin), _make(admin, ownerId=agent.user_id)
    assert _history(agent, theirs) == []
    assert len(_history(agent, mine)) == 1
    assert admin.post("/status-histories", {}).status_code == 405
    assert agent.post(f"/customers/{mine}/set-status", {"status": "active"}).status_code == 403


def test_two_companies_moved_below_each_other_at_once_close_no_circle(world: World, admin: Caller) -> None:
    for _ in range(4):
        a, b = _make(admin), _make(admin)
        with ThreadPoolExecutor(2) as pool:
            moves = pool.map(lambda m: admin.put(f"/customers/{m[0]}", {"parentId": m[1]}), [(a, b), (b, a)])
        assert sorted(answer.status_code for answer in moves) == [200, 400]
        above = {key: admin.data(f"/customers/{key}")["parentId"] for key in (a, b)}
        assert sorted(str(parent) for parent in above.values()) == sorted(["None", str(a if above[b] else b)])


def test_a_ring_of_three_moved_at_once_closes_no_circle(world: World, admin: Caller) -> None:
    a, b, c = (_make(admin) for _ in range(3))
    with ThreadPoolExecutor(3) as pool:
        moves = pool.map(lambda m: admin.put(f"/customers/{m[0]}", {"parentId": m[1]}), [(a, b), (b, c), (c, a)])
    assert sorted(answer.status_code for answer in moves) == [200, 200, 400]
