"""A form that comes after its session: nothing is saved, nothing typed is lost, and nobody else finds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from crm.actor import Scope
from crm.models import AdminSession, Contact, Customer, EmailMessage, Interaction, Opportunity, Role, User
from crm.services import passwords, records, sessions, users
from tests import factories, samples
from tests.admin.browsing import PASSWORD, Browser, signed_in, somebody
from tests.admin.conftest import form_data

MANY_BYTES = 3 * 1024 * 1024


@pytest.fixture
def people(as_system: Callable[..., Any]) -> list[User]:
    return [somebody(as_system) for _ in range(2)]


@pytest.fixture
def browser(client: TestClient, as_system: Callable[..., Any], people: list[User]) -> Browser:
    """The first of them, signed in."""
    return signed_in(client, as_system, people[0])


@pytest.fixture
def keys(as_system: Callable[..., Any]) -> dict[str, int]:
    with as_system() as session:
        made = {"customer": factories.make(Customer, session, name="Northgate")}
        made["contact"] = factories.make(Contact, session, name="Ann", email="ann@example.com")
        made["deal"] = factories.make(Opportunity, session, name="Machines", owner_id=None)
        made["role"] = factories.make(Role, session, name="Readers")
        made["leaver"] = factories.user(session, {"view_contacts": Scope.OWN})
        factories.make(Contact, session, owner_id=made["leaver"].id)
        return {name: int(record.id) for name, record in made.items()}


def counts(as_system: Callable[..., Any]) -> list[int | None]:
    with as_system() as session:
        return [session.scalar(select(func.count(m.id))) for m in (Contact, Interaction, EmailMessage)]


FORMS = [
    ("/contact/create", {"name": "Typed 名字", "notes": "a\r\nb"}, 'value="Typed 名字"'),
    ("/contact/create?back=/admin/customer/list", {"name": "Typed"}, 'action="/admin/contact/create?back='),
    ("/contact/edit/{contact}", {"job_title": "Typed buyer"}, 'value="Typed buyer"'),
    ("/opportunity/do/{deal}/lose", {"lost_notes": "Typed & lost"}, "Typed & lost</textarea>"),
    ("/customer/mail/{customer}", {"subject": "S", "text": "Typed text", "step": "send"}, "\nTyped text</textarea>"),
    ("/customer/timeline/{customer}", {"subject": "Typed", "kind": "call", "body": "more"}, 'value="call" selected'),
    ("/role/grants/{role}", {"grant-view_contacts": "team"}, 'value="team" selected'),
    ("/preferences", {"mail-mentioned": "on"}, 'name="mail-mentioned" checked'),
    ("/user/do/{leaver}/hand_over", {"disable": "1"}, 'name="disable" value="1" checked'),
]


@pytest.mark.parametrize(("path", "typed", "shown"), FORMS, ids=[path for path, _, _ in FORMS])
def test_what_was_typed_is_there_again_after_the_sign_in_and_not_saved(
    browser: Browser,
    people: list[User],
    keys: dict[str, int],
    as_system: Callable[..., Any],
    path: str,
    typed: dict[str, str],
    shown: str,
) -> None:
    path = path.format(**keys)
    form = browser.open(path) | typed
    before = counts(as_system)
    browser.end_session()
    assert "what you typed will be there" in browser.send("POST", f"/admin{path}", data=form)
    assert browser.status == 401
    browser.sign_in(people[0], "wrong")
    assert (browser.status, bool(browser.kept)) == (401, True)
    browser.sign_in(people[0])
    page = browser.go_on()
    assert browser.status == 200
    assert "Your session had ended" in page
    assert shown in page
    assert counts(as_system) == before
    assert ("Files must be chosen again" in page) == ("/mail/" in path)


def test_a_form_that_was_shown_again_is_saved_as_any_other(
    browser: Browser, people: list[User], as_system: Callable[..., Any]
) -> None:
    form = browser.open("/contact/create") | {"name": "Kept", "notes": "x" * 3_900}
    browser.end_session()
    browser.send("POST", "/admin/contact/create", data=form)
    browser.sign_in(people[0])
    browser.go_on()
    browser.send("POST", "/admin/contact/create", data=form_data(browser.page) | {"csrf_token": browser.token})
    assert browser.status == 303
    with as_system() as session:
        assert len(session.scalars(select(Contact).where(Contact.name == "Kept")).one().notes) == 3_900


def test_what_somebody_else_saved_meanwhile_is_still_compared(
    browser: Browser, people: list[User], keys: dict[str, int], as_system: Callable[..., Any]
) -> None:
    path = f"/contact/edit/{keys['contact']}"
    form = browser.open(path) | {"job_title": "Mine"}
    with as_system() as session:
        records.update(session, session.get(Contact, keys["contact"]), {"job_title": "Theirs"})
    browser.end_session()
    browser.send("POST", f"/admin{path}", data=form)
    browser.sign_in(people[0])
    assert 'value="Mine"' in browser.go_on()
    again = form_data(browser.page) | {"csrf_token": browser.token}
    page = browser.send("POST", f"/admin{path}", data=again)
    assert browser.status == 409
    assert "Theirs" in page


def test_whoever_signs_in_instead_finds_nothing(browser: Browser, people: list[User]) -> None:
    form = browser.open("/contact/create") | {"name": "Secret plan"}
    browser.end_session()
    browser.send("POST", "/admin/contact/create", data=form)
    kept = browser.kept
    browser.sign_in(people[1])
    assert (browser.status, browser.location) == (303, "/admin/")
    token = browser.open("/contact/create")["csrf_token"]
    page = browser.send("POST", "/admin/contact/create", data={"csrf_token": token, "unsaved": kept})
    assert browser.status == 403
    assert "Secret plan" not in page


def test_a_form_of_an_earlier_session_is_shown_again(browser: Browser, people: list[User]) -> None:
    form = browser.open("/contact/create") | {"name": "Second tab"}
    browser.end_session()
    browser.send("GET", "/admin/login")
    browser.sign_in(people[0])
    browser.send("POST", "/admin/contact/create", data=form)
    assert browser.status == 403
    assert 'value="Second tab"' in browser.go_on()


def test_a_mail_of_an_earlier_session_is_shown_again_and_not_sent(
    browser: Browser, people: list[User], keys: dict[str, int], as_system: Callable[..., Any]
) -> None:
    path = f"/contact/mail/{keys['contact']}"
    form = browser.open(path) | {"subject": "Offer", "text": "Dear Ann", "step": "send"}
    browser.end_session()
    browser.send("GET", "/admin/login")
    browser.sign_in(people[0])
    body, headers = samples.form("offer.pdf", samples.pdf(), **form)
    browser.send("POST", f"/admin{path}", content=body, headers=headers)
    assert browser.status == 403
    assert "Dear Ann" in browser.go_on()
    assert counts(as_system)[2] == 0


def test_a_mail_with_large_files_keeps_its_text(browser: Browser, people: list[User], keys: dict[str, int]) -> None:
    path = f"/contact/mail/{keys['contact']}"
    form = browser.open(path) | {"subject": "Offer", "text": "Dear Ann"}
    browser.end_session()
    body, headers = samples.form("offer.pdf", b"x" * MANY_BYTES, **form)
    browser.send("POST", f"/admin{path}", content=body, headers=headers)
    browser.sign_in(people[0])
    assert "Dear Ann" in browser.go_on()


def test_two_tabs_are_both_kept(browser: Browser, people: list[User]) -> None:
    form = browser.open("/contact/create")
    browser.end_session()
    pages = []
    for name in ("First tab", "Second tab"):
        browser.send("POST", "/admin/contact/create", data=form | {"name": name})
        pages.append(browser.page)
    for name, page in zip(("First tab", "Second tab"), pages, strict=True):
        browser.page = page
        browser.sign_in(people[0])
        assert f'value="{name}"' in browser.go_on()


def test_a_form_under_somebody_elses_session_waits_for_who_typed_it(browser: Browser, people: list[User]) -> None:
    form = browser.open("/contact/create") | {"name": "Mine"}
    browser.end_session()
    browser.send("GET", "/admin/login")
    browser.sign_in(people[1])
    assert "Somebody else opened this form" in browser.send("POST", "/admin/contact/create", data=form)
    assert browser.status == 403
    browser.sign_in(people[0])
    assert 'value="Mine"' in browser.go_on()


@pytest.mark.parametrize("gone", ["idle", "old", "password"])
def test_it_does_not_matter_how_the_session_ended(
    browser: Browser, people: list[User], as_system: Callable[..., Any], gone: str
) -> None:
    form = browser.open("/contact/create") | {"name": "Typed"}
    with as_system() as session:
        row = session.query(AdminSession).filter_by(user_id=people[0].id).one()
        if gone == "idle":
            row.seen_at -= sessions.IDLE
        elif gone == "old":
            row.expires_at -= sessions.ABSOLUTE
        else:
            user = session.get(User, people[0].id)
            assert user is not None
            users.update(session, user, {}, password_hash=passwords.hash_password(PASSWORD, 4))
    browser.send("POST", "/admin/contact/create", data=form)
    assert browser.status == 401
    browser.sign_in(people[0])
    assert 'value="Typed"' in browser.go_on()
