"""Mail written through the API: one message and one entry of the timeline a recipient, within the writer's scope."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope
from crm.models import (
    Attachment,
    Contact,
    Customer,
    EmailMessage,
    EmailTemplate,
    Interaction,
    Job,
    Opportunity,
    Permission,
    Role,
    Task,
)
from crm.models.email_message import EmailPurpose, EmailState
from crm.services import permissions
from seeds.initial.roles import load_roles
from tests import factories
from tests.clients import Caller, World


@pytest.fixture
def seller(world: World) -> Caller:
    """Somebody with the role `sales`, as every installation has it."""
    with world.session() as session:
        load_roles(session, permissions.sync(session))
        user = factories.user(session)
        user.roles = [session.scalars(select(Role).where(Role.name == "sales")).one()]
        user_id = user.id
    return world.as_user(user_id)


@pytest.fixture
def deal(world: World, seller: Caller) -> dict[str, int]:
    """A deal of the seller, with its customer, two people there, a task and a file."""
    with world.session() as session:
        mine: dict[str, Any] = {"owner_id": seller.user_id}
        customer = factories.make(Customer, session, name="Example Ltd", **mine)
        there = {**mine, "customer_id": customer.id, "do_not_contact": False}
        people = [
            factories.make(Contact, session, name=name, email=f"{name}@example.com", **there) for name in ("Bo", "Cy")
        ]
        made = factories.make(Opportunity, session, customer_id=customer.id, contact_id=people[0].id, **mine)
        task = factories.make(Task, session, record_type="opportunity", record_id=made.id, assignee_id=seller.user_id)
        file = Attachment(name="a.pdf", sha256="0" * 64, media_type="application/pdf", size=8, owner_id=seller.user_id)
        session.add(file)
        session.flush()
        found = {
            "opportunity": made,
            "customer": customer,
            "bo": people[0],
            "cy": people[1],
            "task": task,
            "file": file,
        }
        return {name: record.id for name, record in found.items()}


def template(world: World, **values: Any) -> int:
    with world.session() as session:
        texts = {"subject": "Hello {{ contact.name }}", "text_body": "Dear {{ contact.name }} of {{ customer.name }}"}
        return int(factories.make(EmailTemplate, session, html_body="", **{**texts, **values}).id)


def mail(deal: dict[str, int], **changes: Any) -> dict[str, Any]:
    body = {"recordType": "opportunity", "recordId": deal["opportunity"], "contactIds": [deal["bo"]]}
    return {**body, "subject": "Offer", "text": "Dear Bo", **changes}


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


def test_who_wants_no_mail_gets_none_and_no_entry(world: World, seller: Caller, deal: dict[str, int]) -> None:
    with world.session() as session:
        session.get_one(Contact, deal["bo"]).do_not_contact = True
    answer = seller.post("/emails", mail(deal))
    (one,) = answer.json()["data"]["list"]
    assert (one["state"], one["smtpReply"], one["interactionId"]) == (
        "cancelled",
        "The recipient wants no mail from us",
        None,
    )
    with world.session() as session:
        assert session.scalars(select(Interaction)).all() == []


def test_an_address_that_was_put_on_the_list_by_hand_gets_none(
    world: World, admin: Caller, seller: Caller, deal: dict[str, int]
) -> None:
    with world.session() as session:
        address = session.get_one(Contact, deal["bo"]).email
    refused = admin.post("/email-suppressions", {"address": "not an address"})
    assert [error["field"] for error in refused.json()["errors"]] == ["address"]
    listed = admin.post("/email-suppressions", {"address": address.upper(), "reason": "asked by telephone"})
    assert (listed.status_code, listed.json()["data"]["address"]) == (200, address)
    (one,) = seller.post("/emails", mail(deal)).json()["data"]["list"]
    assert (one["state"], one["interactionId"]) == ("cancelled", None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"contactIds": []}, "contactIds"),
        ({"recordType": "user"}, "recordType"),
        ({"subject": ""}, "subject"),
        ({"subject": " \n "}, "subject"),
        ({"text": ""}, "text"),
        ({"to": ["a@b.example, c@d.example"]}, "to"),
        ({"to": ["a@b.example\r\nBcc: x@y.example"]}, "to"),
        ({"templateId": 1}, "templateId"),
        ({"contactIds": list(range(1, 60))}, "contactIds"),
        ({"cc": "x@y.example"}, "cc"),
    ],
)
def test_what_makes_no_mail_is_refused_by_name(
    world: World, seller: Caller, deal: dict[str, int], changes: dict[str, Any], field: str
) -> None:
    answer = seller.post("/emails", mail(deal, **changes))
    assert answer.status_code == 400, answer.text
    assert field in [error["field"].partition(".")[0] for error in answer.json()["errors"]]
    with world.session() as session:
        assert session.scalars(select(EmailMessage)).all() == []


def test_nothing_of_others_can_be_reached(world: World, seller: Caller, deal: dict[str, int]) -> None:
    with world.session() as session:
        owner = factories.user(session).id
        theirs = factories.make(Contact, session, email="x@example.com", owner_id=owner).id
        company = factories.make(Customer, session, owner_id=owner).id
        file = Attachment(name="b.pdf", sha256="1" * 64, media_type="application/pdf", size=8, owner_id=owner)
        session.add(file)
        session.flush()
        file_id = file.id
    for changes in (
        {"contactIds": [theirs]},
        {"recordType": "customer", "recordId": company},
        {"attachmentIds": [file_id]},
        {"recordId": 2**62},
    ):
        assert seller.post("/emails", mail(deal, **changes)).status_code == 404


def test_files_have_a_limit(world: World, seller: Caller, deal: dict[str, int]) -> None:
    with world.session() as session:
        session.get_one(Attachment, deal["file"]).size = 21 * 1024 * 1024
    assert seller.post("/emails", mail(deal, attachmentIds=[deal["file"]])).status_code == 413


def test_only_those_who_may_write_do(world: World, deal: dict[str, int]) -> None:
    reader = world.caller(view_opportunities=Scope.ALL, view_contacts=Scope.ALL, view_email_messages=Scope.ALL)
    assert reader.post("/emails", mail(deal)).status_code == 403


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
