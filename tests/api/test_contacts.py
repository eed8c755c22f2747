"""Contacts at the API: groups, tags, primary contacts, and search in both languages by any spelling of a number."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import Scope
from tests.clients import Caller, World


def _make(caller: Caller, path: str, **body: Any) -> int:
    answer = caller.post(f"/{path}", body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["id"])


def _names(caller: Caller, query: str) -> list[str]:
    return [row["name"] for row in caller.data(f"/contacts?{query}")["list"]]


def test_members_come_and_go_and_the_list_is_filtered_by_group(admin: Caller) -> None:
    group, other = (_make(admin, "contact-groups", name=name) for name in ("Guests", "Readers"))
    ann, bo = (_make(admin, "contacts", name=name) for name in ("Ann", "Bo"))
    path = f"/contact-groups/{group}/members"
    assert admin.post(path, {"add": [ann, bo]}).json()["data"] == {"added": 2, "removed": 0}
    assert admin.post(path, {"add": [bo], "remove": [ann]}).json()["data"] == {"added": 0, "removed": 1}
    assert _names(admin, f"groupIds={group}") == ["Bo"]
    assert _names(admin, f"groupIds={other}") == []
    audit = admin.data(f"/audit?entity=contact&recordId={ann}")["list"]
    assert [entry["changes"] for entry in audit if entry["action"] == "update"] == [
        {"groups": [[group], []]},
        {"groups": [[], [group]]},
    ]


def test_members_are_changed_together_or_not_at_all(world: World, admin: Caller) -> None:
    group, ann = _make(admin, "contact-groups", name="Guests"), _make(admin, "contacts", name="Ann")
    path = f"/contact-groups/{group}/members"
    refused = admin.post(path, {"add": [ann, 999_999]})
    assert (refused.status_code, refused.json()["message"]) == (400, "contactIds: Contact not found")
    assert _names(admin, f"groupIds={group}") == []
    for body in ({"add": ["x"]}, {"add": [0]}, {"join": [ann]}, {"add": list(range(1, 1002))}):
        assert admin.post(path, body).status_code == 400
    assert admin.post("/contact-groups/999999/members", {"add": [ann]}).status_code == 404
    agent = world.caller(view_contacts=Scope.OWN, update_contact=Scope.OWN, view_contact_groups=Scope.ALL)
    assert agent.post(path, {"add": [ann]}).status_code == 400
    looker = world.caller(view_contacts=Scope.ALL, view_contact_groups=Scope.ALL)
    assert looker.post(path, {"add": [ann]}).status_code == 403


def test_a_tag_is_drawn_in_its_colour_and_filters_contacts_and_customers(admin: Caller) -> None:
    assert admin.post("/tags", {"name": "vip", "colour": "javascript:1"}).status_code == 400
    tag = _make(admin, "tags", name="vip", colour="#1D71A5")
    assert admin.data(f"/tags/{tag}")["colour"] == "#1d71a5"
    _make(admin, "contacts", name="Ann", tagIds=[tag])
    _make(admin, "customers", name="Acme", tagIds=[tag])
    assert _names(admin, f"tagIds={tag}") == ["Ann"]
    assert [row["name"] for row in admin.data(f"/customers?tagIds={tag}")["list"]] == ["Acme"]


def test_a_foreign_primary_contact_and_an_unknown_language_are_refused(admin: Caller) -> None:
    pipeline = _make(admin, "pipelines", name="Sales", isDefault=True)
    _make(admin, "stages", name="New", pipelineId=pipeline, position=1, category="open")
    company, other = (_make(admin, "customers", name=name) for name in "AB")
    person = _make(admin, "contacts", name="Bo", customerId=other)
    answer = admin.post("/opportunities", {"name": "Deal", "customerId": company, "contactId": person})
    sentence = "contactId: must be a contact of the deal's customer, or of no company"
    assert (answer.status_code, answer.json()["message"]) == (400, sentence)
    assert admin.post("/opportunities", {"name": "Deal", "contactId": person}).json()["data"]["customerId"] == other
    answer = admin.post("/contacts", {"name": "Cy", "preferredLanguage": "fr"})
    assert (answer.status_code, answer.json()["message"]) == (400, "preferredLanguage: must be en or zh")


SPELLINGS = [
    *("+49 30 901820", "+4930901820", "004930901820", "0049 (30) 901820", "+49 (0)30 901820"),
    *("030 901820", "030901820", "030/901820", "(030) 9018-20", "30901820", "030 9018", "4930901820"),
    *("Weber 030 901820", "weber +49-30-901820"),
]


def test_a_number_is_found_in_any_spelling(admin: Caller, subtests: pytest.Subtests) -> None:
    _make(admin, "contacts", name="Anna Weber", phone="+49 (30) 901820")
    _make(admin, "contacts", name="Karl Weber", phone="+49 89 123456")
    for typed in SPELLINGS:
        with subtests.test(typed):
            found = admin.client.get(
                "/api/contacts", params={"search": typed}, headers={"authorization": f"Bearer {admin.token}"}
            )
            assert [row["name"] for row in found.json()["data"]["list"]] == ["Anna Weber"]


PARTS = [
    *("13812345678", "138 1234 5678", "+86 138-1234-5678", "王芳", "芳", "wang.fang", "采购"),
    *("供应", "围棋", "chess", "fang_88", "华东"),
]


def test_people_are_found_in_chinese_and_english(admin: Caller, subtests: pytest.Subtests) -> None:
    company = _make(admin, "customers", name="华东机械", country="中国")
    sent = {"name": "王芳", "mobile": "138 1234 5678", "email": "wang.fang@hd.example.cn", "jobTitle": "采购经理"}
    sent |= {"department": "供应链部", "notes": "喜欢下围棋; plays chess, too", "wechat": "fang_88"}
    _make(admin, "contacts", **sent, customerId=company)
    _make(admin, "contacts", name="李强", mobile="+8613900000000")
    for typed in PARTS:
        with subtests.test(typed):
            found = admin.client.get(
                "/api/contacts", params={"search": typed}, headers={"authorization": f"Bearer {admin.token}"}
            )
            assert [row["name"] for row in found.json()["data"]["list"]] == ["王芳"]


def test_names_are_stored_without_what_cannot_be_seen_and_texts_as_they_are(admin: Caller) -> None:
    sent = {"name": "\u202eeeL \u200bnnA\u202c", "phone": "\u202a+49 30 901820\u202c", "notes": "a\u200eb"}
    key = _make(admin, "contacts", **sent)
    record = admin.data(f"/contacts/{key}")
    assert (record["name"], record["notes"]) == ("eeL nnA", "a\u200eb")
    assert record["phone"].startswith("+49")
    assert admin.put(f"/contacts/{key}", {"name": "محمد\u200cعلی"}).status_code == 200
    assert admin.data(f"/contacts/{key}")["name"] == "محمد\u200cعلی"
    for path, field in (("contacts", "name"), ("customers", "name"), ("tasks", "title"), ("tags", "name")):
        refused = admin.post(f"/{path}", {field: "\u2067\u200b\u2069"})
        assert (refused.status_code, refused.json()["message"]) == (400, f"{field}: must not be empty")
