"""Copies of a mail in the panel; and a form that is sent twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from crm.models import Contact, EmailSuppression, Interaction
from crm.models.email_message import EmailState
from tests import factories
from tests.admin.conftest import Visitor
from tests.admin.mail_samples import messages


@pytest.fixture
def bo(as_system: Callable[..., Any]) -> int:
    with as_system() as session:
        made = factories.make(Contact, session, name="Bo", email="bo@example.com", do_not_contact=False)
        session.add(EmailSuppression(address="no@example.com"))
        return int(made.id)


def typed(bo: int, **changes: Any) -> dict[str, Any]:
    return {"contact": [bo], "subject": "Offer", "text": "Dear Bo", "step": "send", **changes}


def entries(as_system: Callable[..., Any]) -> int:
    with as_system() as session:
        return len(session.scalars(select(Interaction)).all())


def test_those_copied_are_seen_before_and_after(admin: Visitor, bo: int, as_system: Callable[..., Any]) -> None:
    cc = "cy@example.com; no@example.com"
    shown = admin.post(f"/contact/mail/{bo}/preview", typed(bo, cc=cc)).text
    assert "cy@example.com, no@example.com (Wants no mail)" in shown
    assert messages(as_system) == []
    answer = admin.post(f"/contact/mail/{bo}", typed(bo, cc=cc))
    assert answer.status_code == 303
    flash = answer.headers["set-cookie"].partition(";")[0]
    headers = {"cookie": f"crm_session={admin.cookie}; {flash}"}
    told = admin.page(f"/contact/details/{bo}", headers=headers)
    assert "Mails on their way: 2. No copy to those who want no mail: no@example.com." in told
    original, copy, unwanted = messages(as_system)
    assert (copy.state, unwanted.state, entries(as_system)) == (EmailState.READY, EmailState.CANCELLED, 1)
    page = admin.page(f"/email-message/details/{original.id}").partition('id="mail-family"')[2]
    assert f'<a href="/admin/email-message/details/{copy.id}">cy@example.com</a>' in page
    page = admin.page(f"/email-message/details/{copy.id}").partition('id="mail-family"')[2]
    assert f'<a href="/admin/email-message/details/{original.id}">Bo <bo@example.com></a>' in page
    assert admin.page("/outbox?state=ready").count('<span class="pill">Copy</span>') == 1


@pytest.mark.parametrize(
    ("cc", "said"),
    [
        ("cy@example.com, nobody", "must be an e-mail address"),
        ("Cy <cy@example.com>", "must be an e-mail address"),
        ("cy@example.com\r\nBcc: x@y.example", "must be an e-mail address"),
        (",".join(f"{n}@example.com" for n in range(11)), "at most 10"),
    ],
)
def test_what_is_no_copy_is_said_and_stays(
    admin: Visitor, bo: int, as_system: Callable[..., Any], cc: str, said: str
) -> None:
    answer = admin.post(f"/contact/mail/{bo}", typed(bo, cc=cc))
    assert (answer.status_code, said in answer.text, "Dear Bo" in answer.text) == (400, True, True)
    assert messages(as_system) == []


def test_copies_go_with_one_mail_only(admin: Visitor, bo: int, as_system: Callable[..., Any]) -> None:
    for step in ("", "/preview"):
        answer = admin.post(f"/contact/mail/{bo}{step}", typed(bo, to="di@example.com", cc="cy@example.com"))
        assert (answer.status_code, "goes with a mail to one recipient" in answer.text) == (400, True)
    assert messages(as_system) == []


def test_a_form_that_is_sent_twice_is_one_mail(admin: Visitor, bo: int, as_system: Callable[..., Any]) -> None:
    form = admin.form(f"/contact/mail/{bo}")
    sent = typed(bo, cc="cy@example.com", page_key=form["page_key"])
    answers = [admin.post(f"/contact/mail/{bo}", sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert (len(messages(as_system)), entries(as_system)) == (2, 1)
    admin.post(f"/contact/mail/{bo}", sent | {"text": "Changed"})
    assert (len(messages(as_system)), entries(as_system)) == (4, 2)
    assert admin.form(f"/contact/mail/{bo}")["page_key"] != form["page_key"]


def test_a_form_that_is_sent_twice_at_once_is_one_mail(admin: Visitor, bo: int, as_system: Callable[..., Any]) -> None:
    sent = typed(bo, cc="cy@example.com", page_key=admin.form(f"/contact/mail/{bo}")["page_key"])
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: admin.post(f"/contact/mail/{bo}", sent), range(3)))
    assert [answer.status_code for answer in answers] == [303] * 3
    assert (len(messages(as_system)), entries(as_system)) == (2, 1)


def test_a_form_that_was_refused_is_sent_once_it_is_mended(
    admin: Visitor, bo: int, as_system: Callable[..., Any]
) -> None:
    sent = typed(bo, page_key=admin.form(f"/contact/mail/{bo}")["page_key"])
    refused = admin.post(f"/contact/mail/{bo}", sent | {"subject": ""})
    assert f'name="page_key" value="{sent["page_key"]}"' in refused.text
    assert admin.post(f"/contact/mail/{bo}", sent).status_code == 303
    assert len(messages(as_system)) == 1
