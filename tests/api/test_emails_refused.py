"""Who and what a mail is refused for."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from crm.actor import Scope
from crm.models import (
    Attachment,
    Contact,
    Customer,
    EmailMessage,
    EmailTemplate,
    Interaction,
    Opportunity,
)
from tests import factories
from tests.api.email_samples import mail
from tests.clients import Caller, World


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


NO_MAIL: list[tuple[dict[str, Any], str]] = [
    ({"contactIds": []}, "contactIds"),
    ({"recordType": "user"}, "recordType"),
    ({"subject": ""}, "subject"),
    ({"subject": " \n "}, "subject"),
    ({"subject": "\u200b\u2060"}, "subject"),
    ({"text": ""}, "text"),
    ({"to": ["a@b.example, c@d.example"]}, "to"),
    ({"to": ["a@b.example\r\nBcc: x@y.example"]}, "to"),
    ({"templateId": 1}, "templateId"),
    ({"contactIds": list(range(1, 60))}, "contactIds"),
    ({"cc": "x@y.example"}, "cc"),
]


def test_what_makes_no_mail_is_refused_by_name(
    world: World, seller: Caller, deal: dict[str, int], subtests: pytest.Subtests
) -> None:
    for changes, field in NO_MAIL:
        with subtests.test(f"{changes}"):
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


def test_an_old_template_that_stands_no_empty_value_is_refused_by_name(
    world: World, seller: Caller, deal: dict[str, int]
) -> None:
    with world.session() as session:
        values = {"name": "Offer", "about": "opportunity", "subject": "S", "text_body": "T", "html_body": ""}
        number = factories.make(EmailTemplate, session, **values).id
        old = update(EmailTemplate).values(text_body="{% if opportunity.amount > 1000 %}x{% endif %}")
        session.execute(old, execution_options={"unscoped": True})
        session.get_one(Opportunity, deal["opportunity"]).amount = None
    about = {"recordType": "opportunity", "recordId": deal["opportunity"], "contactIds": [deal["bo"]]}
    answer = seller.post("/emails", {**about, "templateId": number})
    told = "The template 'Offer' cannot be filled in: 'opportunity.amount' is empty here (line 1)"
    assert (answer.status_code, answer.json()["message"]) == (400, told)
    with world.session() as session:
        assert session.scalars(select(EmailMessage)).all() == []
