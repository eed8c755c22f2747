"""Mail written through the API: one message and one entry of the timeline a recipient, within the writer's scope."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope
from crm.models import (
    EmailMessage,
    EmailTemplate,
    Interaction,
    Job,
    Permission,
)
from crm.models.email_message import EmailPurpose, EmailState
from crm.services import permissions
from tests import factories
from tests.api.email_samples import mail
from tests.clients import Caller, World


def template(world: World, **values: Any) -> int:
    with world.session() as session:
        texts = {"subject": "Hello {{ contact.name }}", "text_body": "Dear {{ contact.name }} of {{ customer.name }}"}
        return int(factories.make(EmailTemplate, session, html_body="", **{**texts, **values}).id)


def test_each_recipient_gets_a_mail_and_each_mail_is_on_the_timeline(
    world: World, seller: Caller, deal: dict[str, int]
) -> None:
    sent = mail(deal, contactIds=[deal["bo"], deal["cy"]], attachmentIds=[deal["file"]])
    answer = seller.post("/emails", sent)
    assert answer.status_code == 200, answer.text
    listed = answer.json()["data"]["list"]
    assert [one["toAddress"] for one in listed] == ["bo@example.com", "cy@example.com"]
    with world.session() as session:
        for message in session.scalars(select(EmailMessage).order_by(EmailMessage.id)):
            entry = session.get_one(Interaction, message.interaction_id)
            assert (message.state, message.purpose, message.owner_id) == (
                EmailState.READY,
                EmailPurpose.BUSINESS,
                seller.user_id,
            )
            assert (entry.kind, entry.direction, entry.subject) == ("email", "outbound", "Offer")
            assert (entry.customer_id, entry.opportunity_id) == (deal["customer"], deal["opportunity"])
            assert entry.contact_id == message.contact_id
            assert "/unsubscribe/" in message.text_body
            assert "/unsubscribe/" in message.html_body
            assert "/unsubscribe/" not in entry.body
            assert [file.name for file in message.attachments] == ["a.pdf"]
        assert len(session.scalars(select(Job).where(Job.kind == "email.send")).all()) == 2


def test_the_timeline_tells_what_became_of_a_mail_to_those_who_may_see_it(
    world: World, seller: Caller, deal: dict[str, int]
) -> None:
    number = seller.post("/emails", mail(deal)).json()["data"]["list"][0]["id"]
    for state in (EmailState.READY, EmailState.REFUSED):
        with world.session() as session:
            session.get_one(EmailMessage, number).state = state
        (entry,) = world.admin().data(f"/opportunities/{deal['opportunity']}/timeline?kinds=interaction")["list"]
        told = {name: entry["details"][name] for name in ("emailId", "emailState", "emailTo")}
        assert told == {"emailId": number, "emailState": state.value, "emailTo": "bo@example.com"}
    reader = world.caller(view_opportunities=Scope.ALL, view_interactions=Scope.ALL)
    (entry,) = reader.data(f"/opportunities/{deal['opportunity']}/timeline?kinds=interaction")["list"]
    assert not {name for name in entry["details"] if name.startswith("email")}


def test_a_template_is_filled_in_for_each_recipient(world: World, seller: Caller, deal: dict[str, int]) -> None:
    sent = {"recordType": "customer", "recordId": deal["customer"], "contactIds": [deal["bo"], deal["cy"]]}
    answer = seller.post("/emails", {**sent, "templateId": template(world)})
    assert answer.status_code == 200, answer.text
    listed = answer.json()["data"]["list"]
    assert [one["subject"] for one in listed] == ["Hello Bo", "Hello Cy"]
    assert listed[0]["textBody"].startswith("Dear Bo of Example Ltd")
    assert listed[0]["templateNumber"] == 1


@pytest.mark.parametrize("kind", ["customer", "opportunity", "task"])
def test_mail_is_written_from_any_record(world: World, seller: Caller, deal: dict[str, int], kind: str) -> None:
    answer = seller.post("/emails", mail(deal, recordType=kind, recordId=deal[kind]))
    assert answer.status_code == 200, answer.text
    with world.session() as session:
        entry = session.scalars(select(Interaction)).one()
        assert entry.customer_id == deal["customer"]
        assert entry.opportunity_id == (None if kind == "customer" else deal["opportunity"])


def test_an_answer_to_an_interaction_stands_where_that_stands(
    world: World, seller: Caller, deal: dict[str, int]
) -> None:
    links = {"opportunity_id": deal["opportunity"], "customer_id": deal["customer"], "contact_id": deal["bo"]}
    with world.session() as session:
        call = factories.make(Interaction, session, kind="call", owner_id=seller.user_id, **links).id
    number = template(world)
    sent = {"recordType": "interaction", "recordId": call, "contactIds": [deal["cy"]], "templateId": number}
    answer = seller.post("/emails", sent)
    assert answer.status_code == 200, answer.text
    assert "Dear Cy of Example Ltd" in answer.json()["data"]["list"][0]["textBody"]
    with world.session() as session:
        entry = session.scalars(select(Interaction).where(Interaction.id != call)).one()
        assert {name: getattr(entry, name) for name in links} == {**links, "contact_id": deal["cy"]}


def test_an_address_may_be_nobody_we_know(seller: Caller, deal: dict[str, int]) -> None:
    answer = seller.post("/emails", mail(deal, contactIds=[], to=["new@example.com", "NEW@example.com"]))
    assert [one["toAddress"] for one in answer.json()["data"]["list"]] == ["new@example.com"]


def test_the_same_key_sends_once(world: World, seller: Caller, deal: dict[str, int]) -> None:
    answers = [seller.post("/emails", mail(deal), headers={"idempotency-key": "k"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    with world.session() as session:
        assert len(session.scalars(select(EmailMessage)).all()) == 1


def test_a_seller_sees_own_mail_and_decides_about_it(world: World, seller: Caller, deal: dict[str, int]) -> None:
    number = seller.post("/emails", mail(deal)).json()["data"]["list"][0]["id"]
    with world.session() as session:
        session.add(EmailMessage(key="other", message_id="x", to_address="ann@example.com", subject="New password"))
    assert [one["id"] for one in seller.data("/emails")["list"]] == [number]
    answer = seller.post(f"/emails/{number}/cancel")
    assert answer.json()["data"]["state"] == "cancelled"
    assert seller.post(f"/emails/{number}/cancel").status_code == 409
    assert seller.post(f"/emails/{number}/resend").json()["data"]["state"] == "ready"
    assert seller.post(f"/emails/{number + 1}/resend").status_code == 404


def test_a_preview_shows_samples_or_a_record(world: World, seller: Caller, deal: dict[str, int]) -> None:
    number = template(world, language="zh")
    shown = seller.post(f"/email-templates/{number}/preview").json()["data"]
    assert shown["subject"] == "Hello 王芳"
    assert "contact.name" in shown["variables"]
    about = {"recordType": "opportunity", "recordId": deal["opportunity"], "contactId": deal["bo"]}
    shown = seller.post(f"/email-templates/{number}/preview", about).json()["data"]
    assert shown["text"] == "Dear Bo of Example Ltd\n"


def test_the_permission_to_write_exists(world: World) -> None:
    with world.session() as session:
        permissions.sync(session)
        assert session.scalar(select(Permission.id).where(Permission.name == "create_email_message")) is not None
