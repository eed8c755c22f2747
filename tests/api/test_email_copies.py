"""Copies of a mail: messages of their own with the same headers, and one entry of the timeline for all."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope
from crm.models import Contact, EmailMessage, EmailSuppression, Interaction, Job
from tests import factories
from tests.api.email_samples import mail
from tests.clients import Caller, World


def written(seller: Caller, deal: dict[str, int], *cc: str, **changes: Any) -> list[dict[str, Any]]:
    answer = seller.post("/emails", mail(deal, cc=list(cc), **changes))
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, Any]] = answer.json()["data"]["list"]
    return listed


def test_each_copy_is_a_message_and_all_are_one_entry(world: World, seller: Caller, deal: dict[str, int]) -> None:
    original, copy, other = written(seller, deal, "Cy@example.com", "new@example.com", attachmentIds=[deal["file"]])
    assert (original["toAddress"], original["copyOfId"]) == ("bo@example.com", None)
    assert [one["toAddress"].lower() for one in (copy, other)] == ["cy@example.com", "new@example.com"]
    assert {one["copyOfId"] for one in (copy, other)} == {original["id"]}
    assert {one["cc"] for one in (original, copy, other)} == {"Cy@example.com, new@example.com"}
    assert [one["contactId"] for one in (original, copy, other)] == [deal["bo"], deal["cy"], None]
    with world.session() as session:
        entry = session.scalars(select(Interaction)).one()
        rows = session.scalars(select(EmailMessage)).all()
        assert {row.interaction_id for row in rows} == {entry.id}
        assert entry.contact_id == deal["bo"]
        assert all([file.name for file in row.attachments] == ["a.pdf"] for row in rows)
        assert len({row.message_id for row in rows}) == len({row.key for row in rows}) == 3
        assert len(session.scalars(select(Job).where(Job.kind == "email.send")).all()) == 3
    assert [one["id"] for one in seller.data(f"/emails?copyOfId={original['id']}&sort=createdAt")["list"]] == [
        copy["id"],
        other["id"],
    ]


def test_the_timeline_tells_of_the_mail_once_and_a_copied_person_has_it_too(
    seller: Caller, deal: dict[str, int]
) -> None:
    original, copy = written(seller, deal, "cy@example.com")
    for kind in ("opportunity", "customer"):
        plural = {"opportunity": "opportunities", "customer": "customers"}[kind]
        (entry,) = seller.data(f"/{plural}/{deal[kind]}/timeline?kinds=interaction,email")["list"]
        assert entry["details"]["emailId"] == original["id"]
    (theirs,) = seller.data(f"/contacts/{deal['cy']}/timeline?kinds=interaction,email")["list"]
    assert (theirs["kind"], theirs["id"]) == ("email", copy["id"])


def test_nobody_is_copied_twice_or_gets_the_mail_as_well(seller: Caller, deal: dict[str, int]) -> None:
    made = written(seller, deal, " BO@example.com", "new@example.com", "NEW@example.com", " ", "")
    assert [one["toAddress"].lower() for one in made] == ["bo@example.com", "new@example.com"]


def test_a_copy_is_no_contacts_whom_the_writer_does_not_see(world: World, seller: Caller, deal: dict[str, int]) -> None:
    with world.session() as session:
        owner = factories.user(session).id
        factories.make(Contact, session, name="Secret", email="s@example.com", owner_id=owner, do_not_contact=False)
    _, copy = written(seller, deal, "s@example.com")
    assert (copy["contactId"], copy["toName"]) == (None, "")


def test_who_wants_no_mail_is_not_shown_as_copied_and_gets_none(
    world: World, seller: Caller, deal: dict[str, int]
) -> None:
    with world.session() as session:
        session.add(EmailSuppression(address="no@example.com"))
        session.get_one(Contact, deal["cy"]).do_not_contact = True
    original, *copies = written(seller, deal, "no@example.com", "yes@example.com", "cy@example.com")
    assert [one["state"] for one in copies] == ["cancelled", "ready", "cancelled"]
    assert copies[0]["smtpReply"] == "The recipient wants no mail from us"
    assert original["cc"] == "yes@example.com"


def test_there_is_no_copy_of_a_mail_to_somebody_who_wants_none(
    world: World, seller: Caller, deal: dict[str, int]
) -> None:
    with world.session() as session:
        session.get_one(Contact, deal["bo"]).do_not_contact = True
    answer = seller.post("/emails", mail(deal, cc=["new@example.com"]))
    assert answer.status_code == 400
    assert "bo@example.com wants no mail from us, so there is nothing to copy" in answer.json()["message"]
    with world.session() as session:
        assert session.scalars(select(EmailMessage)).all() == []


NO_COPY: list[Any] = [
    ["nobody"],
    ["a@b.example, c@d.example"],
    ['"a,b"@c.example'],
    ["a@b.example\r\nBcc: x@y.example"],
    ["Bo <bo@x.example>"],
    [f"{'a' * 250}@example.com"],
    [f"{n}@example.com" for n in range(11)],
    [f"{'a' * 60}{n}@{'b' * 50}.example" for n in range(5)],
    "a@b.example",
]


def test_what_is_no_copy_is_refused_by_name(
    world: World, seller: Caller, deal: dict[str, int], subtests: pytest.Subtests
) -> None:
    for cc in NO_COPY:
        with subtests.test(f"{cc}"):
            answer = seller.post("/emails", mail(deal, cc=cc))
            assert answer.status_code == 400, answer.text
            assert {error["field"].partition(".")[0] for error in answer.json()["errors"]} == {"cc"}
    with world.session() as session:
        assert session.scalars(select(EmailMessage)).all() == []
        assert session.scalars(select(Interaction)).all() == []


def test_copies_go_with_one_mail_only(seller: Caller, deal: dict[str, int]) -> None:
    answer = seller.post("/emails", mail(deal, contactIds=[deal["bo"], deal["cy"]], cc=["new@example.com"]))
    assert (answer.status_code, answer.json()["message"]) == (400, "cc: goes with a mail to one recipient")
    assert len(written(seller, deal, "cy@example.com", contactIds=[deal["bo"], deal["cy"]])) == 2


def test_the_same_key_copies_once(world: World, seller: Caller, deal: dict[str, int]) -> None:
    body = mail(deal, cc=["cy@example.com"])
    answers = [seller.post("/emails", body, headers={"idempotency-key": "k"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    with world.session() as session:
        assert len(session.scalars(select(EmailMessage)).all()) == 2


def test_a_copy_is_sent_again_by_itself(world: World, seller: Caller, deal: dict[str, int]) -> None:
    _, copy = written(seller, deal, "cy@example.com")
    assert seller.post(f"/emails/{copy['id']}/cancel").json()["data"]["state"] == "cancelled"
    again = seller.post(f"/emails/{copy['id']}/resend").json()["data"]
    assert (again["state"], again["copyOfId"]) == ("ready", copy["copyOfId"])
    assert world.caller(view_email_messages=Scope.OWN).get(f"/emails/{copy['id']}").status_code == 404
