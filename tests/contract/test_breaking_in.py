"""Wrong numbers, foreign records, columns nobody may send, and links to what is none of one's business, at the API.

Generated from the registry and the table of routes, so that what comes later is tried as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import inspect

from crm.actor import Scope
from crm.api.app import all_routes
from crm.api.resources import address
from crm.api.routing import Table
from crm.entity import entity_of, name_of, permission
from crm.fields import Field, Kind, fields_of, models, related, writable
from crm.models import Attachment, Contact, Customer, Job, Opportunity, OpportunityLine, Task, User
from crm.services.permissions import rights
from tests.factories import WRITTEN, as_json, make, sample

ODD = ["abc", "1e3", "-1", "0", "1" + "0" * 20, "%00", "1%00", "..%2f..%2fetc%2fpasswd", "１", "1;drop", "%ff", "true"]
ROUTES = [
    (name, endpoint.path)
    for endpoint in Table(all_routes()).endpoints
    for name, method in endpoint.methods.items()
    if method.access != "public"
]
BODIES = {
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"1",
    "nothing": b"null",
    "nonsense": b"\xff\xfe\x00",
    "deep": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "NUL": b'{"name": "a\\u0000b", "reason": "\\u0000", "add": [1, "x"]}',
    "long": b'{"name": "' + b"x" * 10_000 + b'", "q": 1}',
    "huge numbers": b'{"recordId": 1e400, "contactIds": [99999999999999999999999], "amount": "1e999999"}',
}
ODD_VALUES = ["%00", "1" + "0" * 30, "-1", "x" * 10_000, "%ff%fe", "'", "%F0%9F%92%A9", "[]", "NaN"]
ODD_NAMES = ["page", "pageSize", "limit", "q", "cursor", "sort", "fields", "include", "kinds", "types", "id[in]"]


def _takes_a_body(method: str, path: str) -> bool:
    return method not in ("GET", "DELETE") and not path.endswith(("/read-all", "/run-now", "/auth/password"))


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if "{id}" in route[1]], ids=str)
def test_an_odd_number_is_not_found(method: str, path: str, admin: Any) -> None:
    for key in ODD:
        answer = admin.call(method, path.replace("{id}", key), **({} if method in ("GET", "DELETE") else {"json": {}}))
        assert answer.status_code in (400, 404, 405, 415), (key, answer.status_code, answer.text[:300])


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)  # refused before the database is asked
@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if _takes_a_body(*route)], ids=str)
def test_odd_bodies_are_refused_and_crash_nothing(method: str, path: str, admin: Any) -> None:
    sent = [(name, "application/json") for name in BODIES]
    # what is no JSON by its type is refused by its type, whatever it holds
    sent += zip(BODIES, ("text/plain", "multipart/form-data; boundary=x", "application/xml", ""), strict=False)
    for name, kind in sent:
        headers = {"content-type": kind}
        answer = admin.call(method, path.replace("{id}", "987654321"), content=BODIES[name], headers=headers)
        assert 400 <= answer.status_code < 500, (name, kind, answer.status_code, answer.text[:300])
        assert "Traceback" not in answer.text
        assert "SELECT" not in answer.text


@pytest.mark.parametrize("path", [path for method, path in ROUTES if method == "GET"])
def test_odd_queries_crash_nothing(path: str, admin: Any) -> None:
    start = len(path)  # not each value with each name, but on every path others
    for place, name in enumerate(ODD_NAMES):
        for step in (0, 4):
            value = ODD_VALUES[(start + place + step) % len(ODD_VALUES)]
            answer = admin.get(f"{path.replace('{id}', '987654321')}?{name}={value}")
            assert answer.status_code < 500, (name, value, answer.text[:300])


# ---------------------------------------------------------------------------------------------- foreign records


def _references(model: type[Any]) -> Iterator[Field]:
    for field in writable(model):
        if field.relation and (entity_of(related(model, field)).owner or entity_of(related(model, field)).through):
            yield field


def _seller(world: Any) -> Any:
    """Somebody who sees their own and may write everything."""
    return world.caller(
        **{name: Scope.OWN if right.action == "view" else Scope.ALL for name, right in rights().items()}
    )


@pytest.mark.parametrize("model", [m for m in WRITTEN if any(_references(m))], ids=name_of)
def test_no_record_is_tied_to_one_its_writer_cannot_see(model: type[Any], world: Any) -> None:
    seller = _seller(world)
    with world.session() as session:
        owner = entity_of(model).owner
        mine = {owner: seller.user_id} if owner else {}
        values = as_json(model, sample(model, session, **mine))
        own = {f.name: make(related(model, f), session, **_owned(f, model, seller)).id for f in _references(model)}
        kept = make(model, session, **mine, **_required(model, own, seller)).id
        foreign = {f.name: make(related(model, f), session).id for f in _references(model)}
    for field in _references(model):
        many = field.kind is Kind.REFERENCES
        sent = [foreign[field.name]] if many else foreign[field.name]
        made = seller.post(address(model), {**values, field.json: sent})
        assert made.status_code in (400, 403), (field.name, made.text)
        changed = seller.put(f"{address(model)}/{kept}", {field.json: sent})
        assert changed.status_code in (400, 403), (field.name, changed.text)


def _owned(field: Field, model: type[Any], seller: Any) -> dict[str, Any]:
    owner = entity_of(related(model, field)).owner
    return {owner: seller.user_id} if owner not in ("", "id") else {}


def _required(model: type[Any], own: dict[str, int | None], seller: Any) -> dict[str, Any]:
    taken = {f.name: own[f.name] for f in _references(model) if f.required}
    return {
        name: seller.user_id if key is None else key for name, key in taken.items() if name != entity_of(model).owner
    }


@pytest.mark.parametrize(
    "kind", ["user", "role", "permission", "job", "audit_entry", "team", "schedule", "", "no_such", "User", "x" * 40]
)
def test_a_link_leads_to_what_people_work_on_alone(kind: str, admin: Any, world: Any) -> None:
    with world.session() as session:
        session.add(Job(kind="x.y", dedupe_key=f"link {kind}"))
        task = make(Task, session).id
    for path, body in (
        ("/tasks", {"title": "x"}),
        ("/reminders", {"subject": "x", "remindAt": "2026-11-30T09:00:00Z"}),
    ):
        sent = {**body, "recordType": kind, "recordId": 1}
        answer = admin.post(path, sent)
        assert answer.status_code == 400, answer.text
        assert answer.json()["errors"][0]["field"] in ("recordType", "recordId"), answer.text
    assert admin.put(f"/tasks/{task}", {"recordType": kind, "recordId": 1}).status_code == 400


def test_a_link_does_not_tell_whether_there_is_a_record_of_a_kind_one_may_not_view(world: Any) -> None:
    with world.session() as session:
        template = make(next(m for m in models() if name_of(m) == "email_template"), session).id
    nosy = world.caller(view_tasks=Scope.OWN, create_task=Scope.OWN)
    for key in (template, 987654321):
        sent = {"title": "x", "recordType": "email_template", "recordId": key}
        assert nosy.post("/tasks", sent).json() == {"code": 403, "message": "Forbidden", "data": None}


def test_mail_takes_no_contacts_files_or_records_of_others(world: Any) -> None:
    seller = _seller(world)
    with world.session() as session:
        mine = {"owner_id": seller.user_id}
        customer, stranger = make(Customer, session, **mine), make(Customer, session)
        person = make(Contact, session, customer_id=customer.id, do_not_contact=False, **mine)
        foreign = make(Contact, session, do_not_contact=False)
        file, theirs = make(Attachment, session, **mine), make(Attachment, session)
        keys = [one.id for one in (customer, stranger, person, foreign, file, theirs)]
    customer_id, stranger_id, person_id, foreign_id, file_id, theirs_id = keys
    body = {
        "recordType": "customer",
        "recordId": customer_id,
        "contactIds": [person_id],
        "subject": "Hello",
        "text": "Hello",
    }
    assert seller.post("/emails", body).is_success
    wrong = [{"contactIds": [foreign_id]}, {"attachmentIds": [theirs_id]}, {"attachmentIds": [file_id, theirs_id]}]
    for change in (*wrong, {"recordId": stranger_id}, {"recordType": "user", "recordId": seller.user_id}):
        assert seller.post("/emails", body | change).status_code in (400, 404), change


def test_the_lines_of_a_deal_one_only_sees_stay_as_they_are(world: Any) -> None:
    grants = {name: Scope.ALL if right.action == "view" else Scope.OWN for name, right in rights().items()}
    seller = world.caller(**grants)
    with world.session() as session:
        deal, mine = make(Opportunity, session), make(Opportunity, session, owner_id=seller.user_id)
        line = make(OpportunityLine, session, opportunity_id=mine.id)
        deal_id, line_id, amount = deal.id, line.id, deal.amount
    new = {"opportunityId": deal_id, "name": "x", "quantity": "1", "unitPrice": "9"}
    assert seller.post("/opportunity-lines", new).status_code == 403
    assert seller.put(f"/opportunity-lines/{line_id}", {"opportunityId": deal_id}).status_code == 403
    with world.session() as session:
        assert session.get(Opportunity, deal_id).amount == amount


# ---------------------------------------------------------------------------------------------- columns


@pytest.mark.parametrize("model", WRITTEN, ids=name_of)
def test_no_column_is_written_that_no_form_has(model: type[Any], admin: Any, world: Any) -> None:
    """Version, makers, moments, derived figures: refused by name and never taken."""
    with world.session() as session:
        record = make(model, session)
        key, before = record.id, _columns(record)
        good = as_json(model, sample(model, session))
    form = set(entity_of(model).form)
    closed = [f for f in fields_of(model).values() if f.name not in form] + [
        _Unknown(n) for n in before if n not in fields_of(model)
    ]
    for field in closed:
        for value in (1, "x", True, None):
            for answer in (
                admin.put(f"{address(model)}/{key}", {field.json: value}),
                admin.post(address(model), {**good, field.json: value}),
            ):
                assert answer.status_code == 400, (field.name, value, answer.text[:300])
    with world.session() as session:
        assert _columns(session.get(model, key)) == before


class _Unknown:
    """A column that is no field: a secret, or kept for the machinery."""

    def __init__(self, name: str) -> None:
        head, *rest = name.split("_")
        self.name, self.json = name, head + "".join(part.title() for part in rest)


def _columns(record: Any) -> dict[str, Any]:
    return {column.key: getattr(record, column.key) for column in inspect(type(record)).columns}


def test_nobody_gives_themselves_rights_or_another_password(world: Any) -> None:
    """R19: who may write users and nothing else does not become an administrator by it."""
    clerk = world.caller(**{str(permission(User, verb)): Scope.ALL for verb in ("view", "create", "update")})
    with world.session() as session:
        boss = world.admin().user_id
        admins = [role.id for role in session.get(User, boss).roles]
    path = f"/users/{clerk.user_id}"
    for sent in (
        {"roles": admins},
        {"roleIds": admins},
        {"status": True, "roles": admins},
        {"tokensFrom": "2000-01-01T00:00:00Z"},
    ):
        assert clerk.put(path, sent).status_code in (400, 403), sent
    assert clerk.put(f"/users/{boss}", {"password": "An0ther-long-one!"}).status_code == 403
    assert clerk.put(f"/users/{boss}", {"email": "mine@example.com"}).status_code == 403
