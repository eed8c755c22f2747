"""What every entity of the registry can do at the REST door; a new entity brings no test of its own."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope
from crm.api.resources import address
from crm.entity import entity_of, name_of, permission, title_of
from crm.fields import Kind, fields_of, writable
from crm.models import AuditEntry
from tests.factories import REACHED, WRITTEN, as_json, make, sample

each_reached = pytest.mark.parametrize("model", REACHED, ids=name_of)
each_written = pytest.mark.parametrize("model", WRITTEN, ids=name_of)


@each_written
def test_a_record_is_created_found_changed_and_deleted(model: type[Any], admin: Any, system_session: Any) -> None:
    with system_session() as session:
        body = as_json(model, sample(model, session))
    made = admin.post(address(model), body)
    assert made.status_code == 200, made.text
    assert made.json()["message"] == f"{title_of(model)} created successfully"
    record = made.json()["data"]
    path = f"{address(model)}/{record['id']}"
    assert made.headers["location"] == f"/api{path}"
    assert made.headers["etag"] == f'"v{record["version"]}"'
    assert admin.get(path).content == _renamed(made, "Success")
    assert {name: record[name] for name in body if body[name] is not None}.keys() <= record.keys()
    (listed,) = admin.data(f"{address(model)}?id={record['id']}")["list"]
    assert listed.keys() >= {field.json for field in fields_of(model).values()}
    assert listed == {name: record[name] for name in listed}
    changed = admin.put(path, {})
    assert changed.status_code == 200, changed.text
    assert changed.json()["message"] == f"{title_of(model)} updated successfully"
    assert admin.get(path).content == _renamed(changed, "Success")
    if "delete" in entity_of(model).verbs:
        gone = admin.delete(path)
        assert gone.json() == {"code": 200, "message": f"{title_of(model)} deleted successfully", "data": None}
        missing = {"code": 404, "message": f"{title_of(model)} not found", "data": None}
        assert admin.get(path).json() == missing
        assert admin.put(path, {}).json() == missing
        assert admin.delete(path).json() == missing
        assert admin.data(f"{address(model)}?id={record['id']}")["list"] == []


def _renamed(answer: Any, message: str) -> bytes:
    """The body of a write under the message of a GET: byte for byte what a GET answers."""
    old = answer.json()["message"]
    return bytes(answer.content.replace(f'"message":"{old}"'.encode(), f'"message":"{message}"'.encode(), 1))


@each_written
def test_a_changed_field_is_answered_as_it_is_read(model: type[Any], admin: Any, system_session: Any) -> None:
    with system_session() as session:
        first, second = sample(model, session), sample(model, session)
    path = f"{address(model)}/{admin.post(address(model), as_json(model, first)).json()['data']['id']}"
    for name, value in as_json(model, second).items():
        answer = admin.put(path, {name: value})
        assert answer.status_code == 200, answer.text
        assert admin.get(path).content == _renamed(answer, "Success")


@each_written
def test_an_unknown_field_and_wrong_types_are_refused_by_name(model: type[Any], admin: Any) -> None:
    refused = admin.post(address(model), {"noSuchField": 1, "id": 5})
    assert refused.status_code == 400
    assert {"noSuchField", "id"} <= {error["field"] for error in refused.json()["errors"]}
    for field in writable(model):
        wrong = admin.post(address(model), {field.json: {"a": 1} if field.kind is not Kind.DOCUMENT else 7})
        assert wrong.status_code == 400, (field.name, wrong.text)
        assert field.json in {error["field"].partition(".")[0] for error in wrong.json()["errors"]}, field.name


@each_reached
def test_without_the_permission_nothing_is_answered(model: type[Any], caller: Any, anybody: Any) -> None:
    stranger = caller(view_something_else=Scope.ALL)
    verbs = {"create": ("POST", ""), "update": ("PUT", "/1"), "delete": ("DELETE", "/1")}
    asked = [("GET", ""), ("GET", "/1"), *(verbs[verb] for verb in entity_of(model).verbs)]
    for method, rest in asked:
        body: dict[str, Any] = {"json": {}} if method in ("POST", "PUT") else {}
        assert anybody.call(method, address(model) + rest, **body).json() == {
            "code": 401, "message": "No token provided", "data": None
        }  # fmt: skip
        if not (method == "GET" and entity_of(model).open_read):
            answer = stranger.call(method, address(model) + rest, **body)
            assert answer.json() == {"code": 403, "message": "Forbidden", "data": None}


@pytest.mark.parametrize("model", [model for model in WRITTEN if entity_of(model).owner], ids=name_of)
def test_a_record_of_somebody_else_is_not_found(model: type[Any], caller: Any, system_session: Any) -> None:
    grants = {str(permission(model, verb)): Scope.OWN for verb in ("view", "update", "delete")}
    stranger = caller(**grants)
    with system_session() as session:
        foreign = make(model, session).id
        mine = make(model, session, **{entity_of(model).owner: stranger.user_id}).id
    path = f"{address(model)}/{foreign}"
    for answer in (stranger.get(path), stranger.put(path, {}), stranger.delete(path)):
        assert answer.status_code == 404
    assert [record["id"] for record in stranger.data(address(model))["list"]] == [mine]
    assert stranger.data(address(model))["pagination"]["total"] == 1


@each_written
def test_if_match_guards_against_lost_updates(model: type[Any], admin: Any, system_session: Any) -> None:
    with system_session() as session:
        body = as_json(model, sample(model, session))
    made = admin.post(address(model), body)
    path, tag = f"{address(model)}/{made.json()['data']['id']}", made.headers["etag"]
    if not any(field.computed for field in fields_of(model).values()):  # those change with the hour
        assert admin.get(path, headers={"if-none-match": tag}).status_code == 304
    assert admin.get(path, headers={"if-none-match": '"v77"'}).status_code == 200
    assert admin.get(f"{path}?fields=id").headers["etag"] == tag
    assert admin.get(f"{path}?fields=id").json()["data"].keys() == {"id"}
    for stale in ('"v77"', '"other"'):
        headers = {"if-match": stale}
        assert admin.put(path, {}, headers=headers).status_code == 412
        assert admin.delete(path, headers=headers).status_code == 412
    assert admin.get(path).headers["etag"] == tag
    for good in (tag, f"W/{tag}", f'"v77", {tag}', "*"):
        assert admin.put(path, {}, headers={"if-match": good}).status_code == 200


@pytest.mark.parametrize("model", [model for model in WRITTEN if entity_of(model).audit], ids=name_of)
def test_every_write_leaves_an_audit_entry_of_its_author(model: type[Any], admin: Any, system_session: Any) -> None:
    with system_session() as session:
        body = as_json(model, sample(model, session))
    made = admin.post(address(model), body, headers={"x-request-id": "a-request-of-mine"}).json()["data"]
    if "delete" in entity_of(model).verbs:
        admin.delete(f"{address(model)}/{made['id']}")
    with system_session() as session:
        entries = session.scalars(
            select(AuditEntry)
            .where(AuditEntry.entity == name_of(model), AuditEntry.record_id == made["id"])
            .order_by(AuditEntry.id)
        ).all()
        assert [entry.action for entry in entries][:1] == ["create"]
        assert {entry.actor_id for entry in entries} == {admin.user_id}
        assert entries[0].request_id == "a-request-of-mine"
        assert entries[0].changes.keys() <= fields_of(model).keys()
    shown = admin.data(f"/audit?entity={name_of(model)}&recordId={made['id']}&sort=createdAt")["list"]
    assert [entry["action"] for entry in shown][:1] == ["create"]


@each_written
def test_bulk_does_all_or_nothing(model: type[Any], admin: Any, system_session: Any) -> None:
    path = f"{address(model)}/bulk"
    with system_session() as session:
        first, second, third = (as_json(model, sample(model, session)) for _ in range(3))
        keep = make(model, session).id
    before = admin.data(address(model))["pagination"]["total"]
    done = admin.post(path, {"create": [first, second]})
    assert done.status_code == 200, done.text
    created = done.json()["data"]["created"]
    assert [admin.data(f"{address(model)}/{record['id']}") for record in created] == created
    half = admin.post(path, {"create": [third], "update": [{"id": keep}, {"id": 10**9}]})
    assert half.status_code == 400
    assert [error["field"] for error in half.json()["errors"]] == ["update[1]"]
    wrong = admin.post(path, {"create": [third, {"nonsense": 1}]})
    assert "create[1].nonsense" in {error["field"] for error in wrong.json()["errors"]}
    assert admin.data(address(model))["pagination"]["total"] == before + 2
