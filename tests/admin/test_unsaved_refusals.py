"""Forms that came too late and are not kept, and texts that come back as nobody sent them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from crm.admin import unsaved
from crm.models import Contact, User
from crm.settings import Settings
from tests.admin.browsing import Browser, signed_in, somebody
from tests.admin.conftest import SITE


@pytest.fixture
def user(as_system: Callable[..., Any]) -> User:
    return somebody(as_system)


@pytest.fixture
def browser(client: TestClient, as_system: Callable[..., Any], user: User) -> Browser:
    return signed_in(client, as_system, user)


def test_passwords_and_tokens_are_never_kept(browser: Browser, settings: Settings) -> None:
    form = browser.open("/contact/create")
    secrets = {"password": "hunter2", "new_password": "hunter2", "api_token": "t", "smtpSecret": "s"}
    browser.end_session()
    browser.send("POST", "/admin/contact/create", data=form | secrets | {"name": "Kept"})
    found = unsaved.read(settings.signing_key, browser.kept)
    assert found is not None
    assert dict(found.texts)["name"] == "Kept"
    assert not {"csrf_token", *secrets} & dict(found.texts).keys()


@pytest.mark.parametrize("path", ["/password", "/contact/delete/1", "/attachment/upload", "/contact/bulk/delete"])
def test_other_forms_are_refused_with_a_sentence_alone(browser: Browser, path: str) -> None:
    token = browser.open("/contact/create")["csrf_token"]
    browser.end_session()
    page = browser.send("POST", f"/admin{path}", data={"csrf_token": token, "text": "typed"})
    assert browser.status == 401
    assert "nothing was saved" in page
    assert not browser.kept


def test_a_button_without_a_text_leads_back_to_its_page(browser: Browser) -> None:
    here = "/admin/opportunity/details/1"
    token = browser.open("/contact/create")["csrf_token"]
    browser.end_session()
    data, headers = {"csrf_token": token}, {"referer": f"{SITE}{here}"}
    page = browser.send("POST", "/admin/opportunity/do/1/win", data=data, headers=headers)
    assert 'href="/admin/login?next=%2Fadmin%2Fopportunity%2Fdetails' in page
    page = browser.send("POST", "/admin/tag/do/1/x", data=data, headers={"referer": "https://evil.example/admin//x"})
    assert 'href="/admin/login"' in page


@pytest.mark.parametrize("forged", ["x", "", "WzEsIi9jb250YWN0L2NyZWF0ZSIsW11d.forged"])
def test_what_is_no_work_of_ours_is_neither_shown_nor_saved(
    browser: Browser, as_system: Callable[..., Any], forged: str
) -> None:
    form = browser.open("/contact/create") | {"name": "Forged", "unsaved": forged}
    browser.send("POST", "/admin/contact/create", data=form)
    assert browser.status == 403
    with as_system() as session:
        assert session.scalar(select(func.count(Contact.id))) == 0


def test_another_address_does_not_take_it(browser: Browser, user: User, settings: Settings) -> None:
    kept = unsaved.sign(settings.signing_key, unsaved.Unsaved(user.id, "/contact/create", [("name", "X")]))
    token = browser.open("/contact/create")["csrf_token"]
    browser.send("POST", "/admin/contact/edit/1", data={"csrf_token": token, "unsaved": kept})
    assert browser.status == 403


def test_a_foreign_page_gets_nothing_kept(browser: Browser) -> None:
    form = browser.open("/contact/create") | {"name": "X"}
    for _ in range(2):
        browser.send("POST", "/admin/contact/create", data=form, headers={"origin": "https://evil.example"})
        assert (browser.status, browser.kept) == (403, "")
        browser.end_session()
