"""`GET /api/customers/{id}/timeline`: its shape, its pages, and who sees what of it."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import Scope
from tests.clients import Caller, World

ENTRY = {
    *("id", "kind", "event", "at", "title", "text", "userId", "userName"),
    *("recordType", "recordId", "recordName", "details"),
}


def _make(caller: Caller, path: str, **body: Any) -> int:
    answer = caller.post(f"/{path}", body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["id"])


def _customer_with_notes(caller: Caller, count: int) -> int:
    key = _make(caller, "customers", name="Acme")
    for number in range(count):
        at = f"2026-03-02T09:{number:02}:00Z"
        _make(caller, "interactions", subject=f"Note {number}", customerId=key, occurredAt=at)
    return key


def test_the_timeline_is_a_list_of_entries_newest_first(admin: Caller) -> None:
    key = _customer_with_notes(admin, 2)
    _make(admin, "tasks", title="Call back", recordType="customer", recordId=key)
    data = admin.data(f"/customers/{key}/timeline")
    assert set(data) == {"list", "pagination"}
    assert data["pagination"] == {"pageSize": 20, "nextCursor": None}
    assert all(set(entry) == ENTRY for entry in data["list"])
    assert [entry["at"] for entry in data["list"]] == sorted((e["at"] for e in data["list"]), reverse=True)
    assert {entry["kind"] for entry in data["list"]} == {"interaction", "task", "status", "change"}
    task = next(entry for entry in data["list"] if entry["kind"] == "task")
    assert (task["event"], task["title"], task["userId"]) == ("created", "Call back", admin.user_id)
    assert (task["recordType"], task["details"]["status"]) == ("task", "not_started")


def test_pages_follow_one_another_by_cursor(admin: Caller) -> None:
    key = _customer_with_notes(admin, 7)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        data = admin.data(f"/customers/{key}/timeline?kinds=interaction&limit=3&cursor={cursor}")
        seen += [entry["title"] for entry in data["list"]]
        cursor = data["pagination"]["nextCursor"]
    assert seen == [f"Note {number}" for number in range(6, -1, -1)]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("kinds=gossip", "kinds: gossip is not one of: interaction, task, deal, file, email, status, change"),
        ("limit=0", "limit: must be a whole number from 1 to 100"),
        ("limit=101", "limit: must be a whole number from 1 to 100"),
        ("pageSize=x", "limit: must be a whole number from 1 to 100"),
        ("cursor=abc", "cursor: is not a cursor this list has given"),
        ("cursor=WyJ4IiwgMSwgMl0", "cursor: is not a cursor this list has given"),
        ("page=2", "page: is not a known parameter"),
    ],
)
def test_what_makes_no_sense_is_refused(admin: Caller, asked: str, message: str) -> None:
    answer = admin.get(f"/customers/{_make(admin, 'customers', name='A')}/timeline?{asked}")
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_each_reader_sees_their_part(world: World, admin: Caller) -> None:
    key = _customer_with_notes(admin, 2)
    mine = world.caller(view_customers=Scope.ALL, view_interactions=Scope.OWN)
    _make(admin, "interactions", subject="Yours", customerId=key, ownerId=mine.user_id)
    assert [e["title"] for e in mine.data(f"/customers/{key}/timeline")["list"]] == ["Yours"]
    outsider = world.caller(view_customers=Scope.OWN, view_interactions=Scope.ALL)
    assert outsider.get(f"/customers/{key}/timeline").status_code == 404
    assert world.caller().get(f"/customers/{key}/timeline").status_code == 403
    assert admin.get("/customers/999999/timeline").status_code == 404


def test_people_and_deals_have_a_timeline_too(admin: Caller) -> None:
    pipeline = _make(admin, "pipelines", name="Sales", isDefault=True)
    first = _make(admin, "stages", name="New", pipelineId=pipeline, position=1, category="open")
    second = _make(admin, "stages", name="Talks", pipelineId=pipeline, position=2, category="open")
    company = _make(admin, "customers", name="Acme")
    person = _make(admin, "contacts", name="Ann", customerId=company)
    deal = _make(admin, "opportunities", name="Big", customerId=company, contactId=person, stageId=first)
    assert admin.put(f"/opportunities/{deal}", {"stageId": second}).status_code == 200
    for path in (f"customers/{company}", f"contacts/{person}", f"opportunities/{deal}"):
        moved = admin.data(f"/{path}/timeline?kinds=deal")["list"]
        assert [(e["event"], e["details"]["before"], e["details"]["after"]) for e in moved] == [
            ("stage", "New", "Talks"),
            ("created", None, "New"),
        ]
        assert {e["recordName"] for e in moved} == {"Big"}


def test_the_timeline_is_described(admin: Caller) -> None:
    paths = admin.client.get("/api/openapi.json").json()["paths"]
    for name in ("customers", "contacts", "opportunities"):
        described = paths[f"/api/{name}/{{id}}/timeline"]["get"]
        assert {p["name"] for p in described["parameters"]} == {"limit", "pageSize", "cursor", "kinds"}
