"""The table of routes: who may call what, what the API page says of it, and that the page says it correctly."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from openapi_spec_validator import validate

from crm.api.app import all_routes
from crm.api.openapi import document
from crm.api.routing import PREFIX, PUBLIC, TOKEN, Endpoint, Method, Table
from crm.entity import OPERATIONS, permission
from crm.errors import StartError
from crm.fields import models, writable
from tests.factories import WRITTEN

OPEN = {
    "/auth/login",
    "/auth/refresh",
    "/auth/logout",
    "/auth/register",
    "/auth/forgot-password",
    "/auth/reset-password",
    "/health",
    "/ready",
    "/openapi.json",
    "/docs",
    "/docs/{file}",
}
VERBS = ("view", "create", "update", "delete")


def _known_permissions() -> set[str]:
    crud = {str(permission(model, verb)) for model in models() for verb in VERBS}
    return crud | {operation.permission for of in OPERATIONS.values() for operation in of.values()}


def test_every_route_declares_who_may_call_it() -> None:
    allowed = {TOKEN, *_known_permissions()}
    for endpoint in Table(all_routes()).endpoints:
        for name, method in endpoint.methods.items():
            if method.access == PUBLIC:
                assert endpoint.path in OPEN, f"{name} {endpoint.path} is open to everyone"
            else:
                assert method.access in allowed, f"{name} {endpoint.path} asks for {method.access}"


def test_a_route_without_a_permission_stops_the_start() -> None:
    async def run(_call: Any) -> Any:
        raise AssertionError

    with pytest.raises(StartError, match="GET /secrets declares no permission"):
        Table([Endpoint("/secrets", {"GET": Method(run, "", "Secrets.")})])


def test_every_route_without_its_permission_is_refused(caller: Any, anybody: Any) -> None:
    nobody = caller()
    for endpoint in Table(all_routes()).endpoints:
        path = endpoint.path.replace("{id}", "1").replace("{file}", "x")
        for name, method in endpoint.methods.items():
            if method.access == PUBLIC:
                continue
            body: dict[str, Any] = {} if name in ("GET", "DELETE") else {"json": {}}
            assert anybody.call(name, path, **body).status_code == 401, f"{name} {path}"
            if method.access != TOKEN:
                assert nobody.call(name, path, **body).status_code == 403, f"{name} {path}"


def test_other_methods_are_refused_with_the_list_of_those_allowed(anybody: Any) -> None:
    for endpoint in Table(all_routes()).endpoints:
        answer = anybody.call("QUERY", endpoint.path.replace("{id}", "1").replace("{file}", "x"))
        assert answer.status_code == 405
        assert answer.json() == {"code": 405, "message": "Method Not Allowed", "data": None}
        assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == set(endpoint.methods)


def test_the_document_is_valid_and_names_every_route() -> None:
    endpoints = Table(all_routes()).endpoints
    made = json.loads(json.dumps(document(endpoints)))
    validate(made)
    assert made["openapi"].startswith("3.1")
    described = {(path, method) for path, item in made["paths"].items() for method in item if method != "parameters"}
    assert described == {(PREFIX + e.path, name.lower()) for e in endpoints for name in e.methods}
    ids = [
        item[method]["operationId"]
        for item in made["paths"].values()
        for method in item
        if "operationId" in item[method]
    ]
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(made)))
    assert used <= made["components"]["schemas"].keys()


def test_headers_are_described_as_they_are_taken() -> None:
    paths = document(Table(all_routes()).endpoints)["paths"]
    asked = {p["name"]: p["schema"]["pattern"] for p in paths["/api/opportunities/{id}/win"]["post"]["parameters"]}
    for good in ("*", '"v1"', 'W/"v12"', '"v1", W/"v999999999"'):
        assert re.fullmatch(asked["If-Match"], good)
    for bad in ("", "v1", '"1"', '"v1" "v2"', '"v1",'):
        assert not re.fullmatch(asked["If-Match"], bad)
    for good in ("a", "a b", '"{}"', "x" * 200):
        assert re.fullmatch(asked["Idempotency-Key"], good)
    for bad in ("", " ", "a\t", "x" * 201):
        assert not re.fullmatch(asked["Idempotency-Key"], bad)


def test_every_entity_with_routes_is_described_field_by_field() -> None:
    made = document(Table(all_routes()).endpoints)
    for model in WRITTEN:
        shown = made["components"]["schemas"][f"{model.__name__}Create"]["properties"]
        assert shown.keys() >= {field.json for field in writable(model)}
        assert all(part.get("description") or "$ref" in part for part in shown.values()), model.__name__


def test_the_document_and_its_page_need_nothing_from_outside(anybody: Any) -> None:
    assert anybody.get("/openapi.json").json()["info"]["title"] == "CRM"
    page = anybody.get("/docs")
    policy = page.headers["content-security-policy"]
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert f'nonce="{nonce}"' in page.text
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in page.text.replace("http-equiv", "")
    assert nonce not in anybody.get("/docs").headers["content-security-policy"]
    for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert anybody.get(f"/docs/{name}").status_code == 200
    for name in ("VERSION", "..%2f..%2fapp.py", ".env"):
        assert anybody.get(f"/docs/{name}").status_code == 404


@pytest.mark.parametrize("descending", [False, True])
def test_whatever_a_list_is_said_to_take_it_takes(admin: Any, descending: bool) -> None:
    for path, item in document(Table(all_routes()).endpoints)["paths"].items():
        known = {p["name"]: p for p in item.get("get", {}).get("parameters", ())}
        several = {name: p for name, p in known.items() if p["schema"].get("type") == "array"}
        if not several or "{id}" in path:
            continue
        assert all((p["style"], p["explode"]) == ("form", False) for p in several.values())
        values = {name: p["schema"]["items"]["enum"] for name, p in several.items()}
        if "sort" in values:
            values["sort"] = [name for name in values["sort"] if name.startswith("-") is descending]
        asked = {name: "1" for name, p in known.items() if p.get("required")}
        asked |= {name: ",".join(names) for name, names in values.items()}
        answer = admin.get(path.removeprefix(PREFIX), params=asked)
        assert answer.status_code == 200, (path, answer.text)
