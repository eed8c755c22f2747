"""One person's browser in front of the panel: it keeps its cookies, and sends the forms of the page it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from sqlalchemy import delete
from starlette.testclient import TestClient

from crm.admin import unsaved
from crm.models import AdminSession, User
from crm.services import passwords
from tests import factories
from tests.admin.conftest import SITE, form_data

PASSWORD = "correct horse battery"


class Browser:
    """One person's browser: its cookies, and the page it shows."""

    def __init__(self, client: TestClient, as_system: Callable[..., Any]) -> None:
        self.client, self.as_system = client, as_system
        self.client.cookies.clear()
        self.page, self.status, self.location = "", 0, ""

    def send(self, method: str, path: str, **options: Any) -> str:
        headers = {"origin": SITE, **options.pop("headers", {})}
        answer = self.client.request(method, path, headers=headers, follow_redirects=False, **options)
        self.page, self.status = answer.text, answer.status_code
        self.location = answer.headers.get("location", "")
        return unescape(self.page)

    def open(self, path: str) -> dict[str, Any]:
        """The form of a page as it would be sent, with its token."""
        self.send("GET", f"/admin{path}")
        assert self.status == 200, (path, self.status)
        return (form_data(self.page) if "data-guard" in self.page else {}) | {"csrf_token": self.token}

    @property
    def token(self) -> str:
        return self._input("csrf_token")

    @property
    def kept(self) -> str:
        return self._input(unsaved.FIELD)

    def _input(self, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]+)"', self.page)
        return found[1] if found else ""

    def sign_in(self, user: User, password: str = PASSWORD) -> str:
        data = {"csrf_token": self.token, "username": user.username, "password": password}
        return self.send("POST", "/admin/login", data=data | ({"unsaved": self.kept} if self.kept else {}))

    def end_session(self) -> None:
        with self.as_system() as session:
            session.execute(delete(AdminSession), execution_options={"unscoped": True})

    def go_on(self) -> str:
        """What the script of the page does, or its button."""
        address = re.search(r'<form method="post" action="([^"]+)" data-go-on>', self.page)
        assert address is not None, self.page
        return self.send("POST", unescape(address[1]), data={"csrf_token": self.token, "unsaved": self.kept})


def somebody(as_system: Callable[..., Any]) -> User:
    """A user who may do everything, and has PASSWORD."""
    with as_system() as session:
        user = factories.user(session, {}, admin=True)
        user.password_hash = passwords.hash_password(PASSWORD, 4)
        session.flush()
        session.expunge_all()
    return user


def signed_in(client: TestClient, as_system: Callable[..., Any], user: User) -> Browser:
    """A browser of the user's, with a session of its own."""
    opened = Browser(client, as_system)
    opened.send("GET", "/admin/login")
    opened.sign_in(user)
    assert (opened.status, opened.location) == (303, "/admin/")
    return opened
