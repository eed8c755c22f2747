"""Visitors of the panel: signed in with a real session, sending what a browser sends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from html import unescape
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from crm.actor import Actor, Scope, system
from crm.admin.app import create_admin
from crm.admin.panel import Panel
from crm.admin.visitor import Visitor as Seen
from crm.db import CrmSession, Database
from crm.models import User
from crm.services import sessions
from crm.settings import Settings
from tests import factories
from tests.whole import WholeClient

Answer = Any
SITE = "http://testserver"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """A browser in the panel: paths are below /admin, posts carry the page's token and our origin."""

    def __init__(self, client: TestClient, cookie: str, user_id: int) -> None:
        self.client, self.cookie, self.user_id = client, cookie, user_id
        self._token = ""

    def call(self, method: str, path: str, **options: Any) -> Answer:
        cookies = f"crm_session={self.cookie}" if self.cookie else ""
        headers = {"cookie": cookies, "origin": SITE} | options.pop("headers", {})
        self.client.cookies.clear()
        options.setdefault("follow_redirects", False)
        return self.client.request(method, f"/admin{path}", headers=headers, **options)

    def get(self, path: str, **options: Any) -> Answer:
        return self.call("GET", path, **options)

    def page(self, path: str, **options: Any) -> str:
        """The text of a page that must succeed, with entities resolved."""
        answer = self.get(path, **options)
        assert answer.status_code == 200, (answer.status_code, answer.text[-2000:])
        return unescape(answer.text)

    @property
    def token(self) -> str:
        if not self._token:
            found = _TOKEN.search(self.get("/").text)
            assert found is not None
            self._token = found[1]
        return self._token

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> Answer:
        return self.call("POST", path, data={"csrf_token": self.token, **(data or {})}, **options)

    def form(self, path: str) -> dict[str, Any]:
        """What a browser would send of a form page, untouched."""
        return form_data(self.get(path).text)


def form_data(page: str) -> dict[str, Any]:
    """The values of the page's main form, to-many look-ups as lists."""
    form = page[page.index("data-guard") :]
    form = form[: form.index("</form>")]
    data: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = _attribute(tag, "name"), _attribute(tag, "value")
        ticked = not re.search('type="(checkbox|radio)"', tag) or "checked" in tag
        if name and name != "csrf_token" and ticked:
            data[name] = value or ("y" if "checkbox" in tag else "")
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\r?\n?(.*?)</textarea>', form, re.S):
        data[name] = unescape(text)
    for attributes, options in re.findall(r"<select([^>]*)>(.*?)</select>", form, re.S):
        chosen = [unescape(v) for v in re.findall(r'<option selected value="([^"]*)"', options)]
        chosen += [unescape(v) for v in re.findall(r'<option value="([^"]*)" selected', options)]
        data[_attribute(attributes, "name")] = chosen if "multiple" in attributes else (chosen or [""])[0]
    return data


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return unescape(found[1]) if found else ""


@pytest.fixture
def client(database: Database, settings: Settings) -> Iterator[TestClient]:
    """An application with the panel alone; what goes wrong inside is answered, as in production."""
    app = Starlette()
    opened = Database(database.url.render_as_string(hide_password=False), pool_size=5)
    create_admin(app, opened, settings)
    with WholeClient(app) as started:
        yield started
        assert started.portal is not None
        started.portal.call(opened.dispose_async)


def panel_of(client: TestClient) -> Panel:
    """The panel of the application behind the client."""
    found: Panel = next(r.app.state.panel for r in client.app.routes if getattr(r, "name", "") == "admin")  # type: ignore[attr-defined]
    return found


def request_of(panel: Panel, actor: Actor | None, **path: str) -> Request:
    """What SQLAdmin's own methods are given; `path` are the parameters of the address."""
    scope = {"type": "http", "state": {"visitor": Seen(actor, "", "")}, "app": panel.admin, "headers": []}
    return Request(scope | {"query_string": b"", "path_params": path, "method": "GET", "path": "/"})


@pytest.fixture
def as_system(database: Database) -> Callable[[], AbstractContextManager[CrmSession]]:
    """`with as_system() as session:` is a transaction of the process itself."""
    return lambda: database.transaction(system("test"))


@pytest.fixture
def visitor(client: TestClient, database: Database) -> Callable[..., Visitor]:
    """`visitor(view_contacts=Scope.OWN)` signs in a user with these permissions; `visitor(admin=True)` one with all."""

    def make(*, admin: bool = False, user_id: int = 0, **grants: Scope) -> Visitor:
        with database.transaction(system("test")) as session:
            user = session.get(User, user_id) if user_id else factories.user(session, grants, admin=admin)
            assert user is not None
            return Visitor(client, sessions.open_session(session, user), user.id)

    return make


@pytest.fixture
def admin(visitor: Callable[..., Visitor]) -> Visitor:
    """Somebody who may do everything."""
    return visitor(admin=True)


@pytest.fixture
def stranger(client: TestClient) -> Visitor:
    """Somebody who has not signed in."""
    return Visitor(client, "", 0)
