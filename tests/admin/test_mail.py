"""Mail in the panel: written from a record, seen before it is sent, shown and decided about in the outbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope
from crm.models import Attachment, Contact, Customer, Interaction, Opportunity
from crm.models.email_message import EmailState
from tests import factories
from tests.admin.conftest import Visitor
from tests.admin.mail_samples import messages, template


@pytest.fixture
def deal(as_system: Callable[..., Any]) -> dict[str, int]:
    """A deal with two people at its customer; the second wants no mail."""
    with as_system() as session:
        customer = factories.make(Customer, session, name="Example & Co")
        there = {"customer_id": customer.id}
        bo = factories.make(Contact, session, name="Bo", email="bo@example.com", do_not_contact=False, **there)
        cy = factories.make(Contact, session, name="Cy", email="cy@example.com", do_not_contact=True, **there)
        made = factories.make(Opportunity, session, name="Machines", contact_id=bo.id, **there)
        found = {"opportunity": made, "customer": customer, "bo": bo, "cy": cy}
        return {name: record.id for name, record in found.items()}


def path(deal: dict[str, int]) -> str:
    return f"/opportunity/mail/{deal['opportunity']}"


def written(deal: dict[str, int], **changes: Any) -> dict[str, Any]:
    return {"contact": [deal["bo"]], "subject": "Offer", "text": "Dear Bo\r\n\r\n<b>", "step": "send", **changes}


def test_the_record_has_the_button_and_the_form_knows_its_people(admin: Visitor, deal: dict[str, int]) -> None:
    for kind in ("opportunity", "customer"):
        assert f"/admin/{kind}/mail/{deal[kind]}" in admin.page(f"/{kind}/details/{deal[kind]}")
    page = admin.page(path(deal))
    assert f'name="contact" value="{deal["bo"]}" checked' in page
    assert "cy@example.com" in page
    assert "Wants no mail" in page


def test_a_mail_is_sent_and_the_visitor_is_back_at_the_record(
    admin: Visitor, deal: dict[str, int], as_system: Callable[..., Any]
) -> None:
    answer = admin.post(path(deal), written(deal))
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/admin/opportunity/details/{deal['opportunity']}",
    )
    (message,) = messages(as_system)
    assert (message.subject, message.to_address, message.contact_id) == ("Offer", "bo@example.com", deal["bo"])
    assert "&lt;b&gt;" in message.html_body
    with as_system() as session:
        entry = session.scalars(select(Interaction)).one()
        assert (entry.opportunity_id, entry.customer_id) == (deal["opportunity"], deal["customer"])
        interaction = entry.id
    assert "Ready" in admin.page(f"/interaction/details/{interaction}")
    answering = f"/interaction/mail/{interaction}"
    assert f'href="/admin{answering}"' in admin.page(f"/interaction/details/{interaction}")
    assert f'name="contact" value="{deal["bo"]}" checked' in admin.page(answering)
    timeline = admin.page(f"/opportunity/timeline/{deal['opportunity']}?kinds=interaction")
    assert f'<a href="/admin/email-message/details/{message.id}">bo@example.com</a>' in timeline
    assert "Ready" in timeline


def test_a_file_of_the_record_goes_along(admin: Visitor, deal: dict[str, int], as_system: Callable[..., Any]) -> None:
    with as_system() as session:
        place = {"record_type": "opportunity", "record_id": deal["opportunity"]}
        file = Attachment(name="offer.pdf", sha256="0" * 64, media_type="application/pdf", size=8, **place)
        session.add(file)
        session.flush()
        number = file.id
    assert "offer.pdf" in admin.page(path(deal))
    assert "offer.pdf" in admin.post(f"{path(deal)}/preview", written(deal, attached=[number])).text
    admin.post(path(deal), written(deal, attached=[number]))
    (message,) = messages(as_system)
    assert "offer.pdf" in admin.page(f"/email-message/details/{message.id}")


def test_nobody_is_written_to_who_wants_none(
    admin: Visitor, deal: dict[str, int], as_system: Callable[..., Any]
) -> None:
    admin.post(path(deal), written(deal, contact=[deal["bo"], deal["cy"]]))
    assert [message.state for message in messages(as_system)] == [EmailState.READY, EmailState.CANCELLED]
    assert "The recipient wants no mail from us" in admin.page("/outbox?state=cancelled")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"contact": []}, "names nobody to write to"),
        ({"subject": " "}, "is required"),
        ({"text": " "}, "is required"),
        ({"to": "a@b.example, nobody"}, "must be an e-mail address"),
        ({"subject": "x" * 500}, "at most 300"),
    ],
)
def test_what_makes_no_mail_is_said_and_what_was_typed_stays(
    admin: Visitor, deal: dict[str, int], as_system: Callable[..., Any], changes: dict[str, Any], said: str
) -> None:
    answer = admin.post(path(deal), written(deal, **changes))
    assert answer.status_code == 400
    assert said in answer.text
    assert "text" in changes or "Dear Bo" in answer.text
    assert messages(as_system) == []


def test_a_template_is_filled_in_for_one_and_keeps_its_variables_for_several(
    admin: Visitor, deal: dict[str, int], as_system: Callable[..., Any]
) -> None:
    number = template(as_system, html_body="<h1>Dear {{ contact.name }}</h1>")
    fill = {"template": number, "step": "fill"}
    one = admin.post(path(deal), written(deal, **fill)).text
    assert 'value="Hi Bo"' in one
    several = admin.post(path(deal), written(deal, contact=[deal["bo"]], to="di@example.com", **fill)).text
    assert "Hi {{ contact.name }}" in several
    texts = {"subject": "Hi {{ contact.name }}", "text": "Dear {{ contact.name }}", "filled": number, "variables": "1"}
    admin.post(path(deal), written(deal, to="di@example.com", **texts))
    first, second = messages(as_system)
    assert (first.subject, second.subject) == ("Hi Bo", "Hi")
    assert "<h1>Dear Bo</h1>" in first.html_body
    assert first.template_id == number


def test_a_changed_text_is_sent_as_it_was_typed(
    admin: Visitor, deal: dict[str, int], as_system: Callable[..., Any]
) -> None:
    number = template(as_system, html_body="<h1>Dear {{ contact.name }}</h1>")
    admin.post(path(deal), written(deal, subject="Hi Bo", text="Changed {{ contact.name }}", filled=number))
    (message,) = messages(as_system)
    assert "<h1>" not in message.html_body
    assert message.text_body.startswith("Changed {{ contact.name }}\n")
    changed = {"text": "Changed {{ contact.nme }}", "filled": number, "variables": "1"}
    assert "knows no variable" in admin.post(path(deal), written(deal, **changed)).text


def test_a_preview_sends_nothing_and_can_do_nothing(
    admin: Visitor, deal: dict[str, int], as_system: Callable[..., Any]
) -> None:
    answer = admin.post(f"{path(deal)}/preview", written(deal, subject="<script>x"))
    assert answer.status_code == 200
    assert "&lt;script&gt;x" in answer.text
    assert "bo@example.com" in answer.text
    assert answer.headers["content-security-policy"].startswith("sandbox ")
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert admin.post(f"{path(deal)}/preview", written(deal, contact=[])).status_code == 400
    assert messages(as_system) == []


def test_the_last_line_of_a_preview_is_in_the_recipients_language(
    admin: Visitor, deal: dict[str, int], as_system: Callable[..., Any]
) -> None:
    assert "I want no more mail" in admin.post(f"{path(deal)}/preview", written(deal)).text
    with as_system() as session:
        session.get_one(Contact, deal["bo"]).preferred_language = "zh"
    assert "不再接收邮件" in admin.post(f"{path(deal)}/preview", written(deal)).text


def test_only_those_who_may_write_see_the_form(
    visitor: Callable[..., Visitor], admin: Visitor, stranger: Visitor, deal: dict[str, int]
) -> None:
    reader = visitor(view_opportunities=Scope.ALL, view_contacts=Scope.ALL, view_email_messages=Scope.ALL)
    assert "/mail/" not in reader.page(f"/opportunity/details/{deal['opportunity']}")
    assert reader.get(path(deal)).status_code == 403
    assert reader.post(path(deal), written(deal)).status_code == 403
    assert stranger.get(path(deal)).status_code == 303
    owner = visitor(view_opportunities=Scope.OWN, create_email_message=Scope.OWN)
    assert owner.get(path(deal)).status_code == 404
    for wrong in ("/user/mail/1", "/opportunity/mail/abc", f"/opportunity/mail/{10**20}", "/opportunity/mail/0"):
        assert admin.get(wrong).status_code == 404
