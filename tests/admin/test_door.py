"""What comes from elsewhere changes nothing; every answer bears the headers; odd input is never a crash."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import MetaData, select
from starlette.routing import Route

from crm.actor import Scope
from crm.admin import pages, paths
from crm.admin.site import _routes
from crm.db import Database
from crm.fields import models
from crm.models import AuditEntry, Base, Contact, Opportunity, Task, User
from tests import factories
from tests.admin.conftest import SITE, Visitor

UNSAFE = sorted(
    route.path.replace("{identity}", "contact").replace("{pk}", "1").replace("{verb}", "delete")
    for route in _routes()
    if isinstance(route, Route) and "POST" in (route.methods or ())
)
FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://testserver.evil.example"},
    {"origin": "https://testserver"},
    {"origin": SITE, "sec-fetch-site": "cross-site"},
    {"origin": SITE, "sec-fetch-site": "same-site"},
    {"origin": ""},
]


@pytest.fixture
def backend() -> str:
    """None of this depends on the kind of database."""
    return "sqlite"


def digest(database: Database, session: Any) -> dict[str, list[Any]]:
    """Every row of every table but the sessions', which note when they were last used."""
    kept: MetaData = Base.metadata
    return {
        table.name: [tuple(row) for row in session.connection().execute(select(table).order_by(*table.primary_key))]
        for table in kept.sorted_tables
        if table.name != "admin_session"
    }


@pytest.mark.parametrize("path", UNSAFE)
def test_what_was_sent_from_a_foreign_page_is_refused(admin: Visitor, path: str) -> None:
    token = admin.token
    for headers in FOREIGN:
        answer = admin.call("POST", path, data={"csrf_token": token}, headers=headers)
        assert answer.status_code == 403, (path, headers)


@pytest.mark.parametrize("path", UNSAFE)
def test_what_bears_no_token_or_anothers_is_refused(admin: Visitor, visitor: Any, path: str) -> None:
    other = visitor(admin=True).token
    for data in ({}, {"csrf_token": "x"}, {"csrf_token": other}, {"csrf_token": "é" * 44}, {"csrf_token": ""}):
        assert admin.call("POST", path, data=data).status_code == 403, (path, data)


def test_a_script_sends_the_token_in_a_header(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        key = factories.make(Contact, session).id
    answer = admin.call("POST", f"/contact/delete/{key}", headers={"x-csrf-token": admin.token})
    assert answer.status_code == 303


def test_every_page_masks_the_token_anew(admin: Visitor) -> None:
    found = {re.search(r'name="csrf_token" value="([^"]+)"', admin.get("/").text)[1] for _ in range(3)}  # type: ignore[index]
    assert len(found) == 3
    for token in found:
        assert admin.call("POST", "/contact/bulk/delete", data={"csrf_token": token}).status_code == 303


def test_nothing_that_is_only_looked_at_changes_the_database(
    admin: Visitor, as_system: Any, database: Database
) -> None:
    with as_system() as session:
        for model in models():
            if hasattr(model, "__entity__") and "create" in model.__entity__.verbs:
                factories.make(model, session)
    with as_system() as session:
        before = digest(database, session)
    for path, status in _crawl(admin):
        assert status < 500, path
    with as_system() as session:
        assert digest(database, session) == before


def _crawl(visitor: Visitor) -> Iterator[tuple[str, int]]:
    """Every address below the panel that its pages link to, each shape once, and the status it answers."""
    waiting, seen = ["/"], set[object]()
    while waiting:
        path = waiting.pop()
        answer = visitor.get(path, headers={"accept-encoding": "identity"})
        yield path, answer.status_code
        for found in set(re.findall(r'(?:href|action|src)="/admin(/[^"#]*)"', answer.text)):
            address, _, query = found.partition("?")
            names = frozenset(re.findall(r"(\w+)=", query))
            # filters can be put together in hundreds of ways: alone, in pairs, and once with more
            shape = (re.sub(r"\d+", "", address), names if len(names) < 3 else len(names))
            if shape not in seen and "/statics/" not in found:
                seen.add(shape)
                waiting.append(found.replace("&amp;", "&"))


HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/contact/list", "/contact/create", "/contact/details/99", "/nothing", "/contact/export/csv"),
        *("/login", "/logout", "/contact/ajax/lookup?name=customer_id", "/contact/ajax/lookup", "/statics/none.css"),
        *("/language?to=zh", "/contact/delete/1", "/inbox", "/contact/export/xml"),
    ],
)
def test_every_answer_bears_the_security_headers(admin: Visitor, stranger: Visitor, path: str) -> None:
    for visitor in (admin, stranger):
        answer = visitor.get(path)
        for name, value in HEADERS.items():
            assert answer.headers.get(name) == value, (path, name)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_no_nonce_comes_twice_and_no_script_goes_without(admin: Visitor) -> None:
    nonces = set()
    for _ in range(20):
        answer = admin.get("/contact/list")
        found = re.search(r"script-src 'self' 'nonce-([^']+)'", answer.headers["content-security-policy"])
        assert found is not None
        nonces.add(found[1])
        for tag in re.findall(r"<(?:script|style)(?![^>]*\bsrc=)[^>]*>", answer.text):
            assert f'nonce="{found[1]}"' in tag
        assert not re.search(r"\son[a-z]+=\"|javascript:|<[^>]+\sstyle=", answer.text)
    assert len(nonces) == 20


def test_a_crash_is_a_plain_sentence_with_the_headers(admin: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_options: Any) -> Any:
        raise RuntimeError("SELECT secret FROM somewhere")

    monkeypatch.setattr(pages, "panel_of", broken)
    answer = admin.get("/contact/ajax/lookup?name=customer_id")
    assert answer.status_code == 500
    assert "SELECT" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


ODD = ["abc", "1e3", "-1", "0", "100000000000000000000", "%00", "1%00", "../../etc/passwd", "１", "1;drop", "é", "%ff"]


@pytest.mark.parametrize("key", ODD)
def test_an_odd_key_is_not_found(admin: Visitor, key: str) -> None:
    for path in (f"/contact/details/{key}", f"/contact/edit/{key}", f"/contact/{key}/name/download/"):
        assert admin.get(path).status_code == 404, path
    for path in (f"/contact/delete/{key}", f"/contact/restore/{key}", f"/task/do/{key}/complete"):
        assert admin.post(path).status_code == 404, path


@pytest.mark.parametrize("model", [AuditEntry, Contact, Opportunity, Task, User], ids=paths.identity)
def test_odd_input_is_never_a_crash(admin: Visitor, model: type[Any]) -> None:
    here = f"/{paths.identity(model)}/list"
    names = model.__entity__.filters
    odd = ["abc", "-1", "1" + "0" * 30, "\x00", "%", "'", "NaN", "9999-12-31", "0001-01-01", "[]", "é" * 40]
    queries = [{"page": v, "pageSize": v, "search": v, "sortBy": v, "sort": v, "trash": v} for v in odd]
    for value in odd:
        queries.append({f"{name}{op}": value for name in names for op in ("", "__gte", "__lte", "__contains")})
        queries.append({f"{name}__{op}": value for name in names for op in ("starts", "null")})
    for query in queries:
        answer = admin.get(here, params=query)
        assert answer.status_code == 200, (query, answer.text[-300:])


def test_too_large_a_form_is_refused_with_a_sentence(admin: Visitor) -> None:
    answer = admin.post("/contact/create", {"name": "x" * 3_000_000})
    assert answer.status_code == 413


def test_a_form_may_have_thousands_of_fields(admin: Visitor) -> None:
    data = {"csrf_token": admin.token, "ids": [str(n) for n in range(1, 3001)]}
    answer = admin.call("POST", "/contact/bulk/delete", data=data)
    assert answer.status_code == 303


def test_a_text_in_the_address_is_not_shown_as_an_error(admin: Visitor) -> None:
    assert "Call 555" not in admin.page("/contact/list?error=Call+555+now")


def test_a_forged_host_never_gets_into_an_address(admin: Visitor) -> None:
    for path in ("/contact/list", "/", "/contact/create"):
        assert "evil.example" not in admin.get(path, headers={"host": "evil.example"}).text
    away = admin.client.get("/admin/contact/list", headers={"host": "evil.example"}, follow_redirects=False)
    assert away.headers["location"].startswith("/admin/login")


def test_an_unknown_page_needs_a_sign_in_first(stranger: Visitor, visitor: Any) -> None:
    assert stranger.get("/nothing/here").status_code == 303
    assert stranger.call("POST", "/contact/delete/1").status_code == 401
    assert visitor(view_contacts=Scope.OWN).get("/nothing/here").status_code == 404


def test_style_sheets_scripts_and_fonts_are_kept_pages_are_not(admin: Visitor) -> None:
    page = admin.get("/contact/list")
    sheets = re.findall(r'(?:href|src)="/admin(/statics/[^"]+)"', page.text)
    assert len(sheets) > 5
    for address in sheets:
        answer = admin.get(address)
        assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True), address
    assert "max-age" in admin.get("/statics/webfonts/tabler-icons.woff2").headers["cache-control"]
    assert page.headers["cache-control"] == "no-store"
