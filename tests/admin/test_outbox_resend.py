"""Mails of the outbox that are sent once more together: all that were ticked, or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope
from crm.models import AuditEntry, EmailMessage, Job
from crm.models.email_message import EmailState
from crm.services import email_fates, emails
from tests.admin.conftest import Answer, Visitor
from tests.admin.mail_samples import messages

REFUSED = (EmailState.REFUSED, EmailState.REFUSED, EmailState.UNCERTAIN)


def outbox_of(as_system: Callable[..., Any], *states: EmailState, owner_id: int | None = None) -> list[int]:
    """Mails in these states, each refused by the server as a whole; their numbers."""
    with as_system() as session:
        found = []
        for number, state in enumerate(states):
            key = f"{owner_id}:{number}"
            mail = emails.queue(session, to=f"{number}@b.example", subject=f"M{number}", text="T", key=key)
            mail.state, mail.smtp_code, mail.smtp_reply, mail.owner_id = state, 554, "no mail from you", owner_id
            found.append(mail.id)
        return found


def again(visitor: Visitor, keys: list[Any]) -> Answer:
    return visitor.post("/outbox/resend", {"ids": keys, "back": "/admin/outbox?state=refused"})


def told(visitor: Visitor, answer: Answer) -> str:
    """The page that comes next, with the message."""
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/outbox?state=refused")
    flash = answer.headers["set-cookie"].partition(";")[0]
    return visitor.page("/outbox", headers={"cookie": f"crm_session={visitor.cookie}; {flash}"})


def states(as_system: Callable[..., Any]) -> list[EmailState]:
    return [message.state for message in messages(as_system)]


def test_all_that_were_ticked_are_sent_again(admin: Visitor, as_system: Callable[..., Any]) -> None:
    keys = outbox_of(as_system, *REFUSED, EmailState.SENT)
    with as_system() as session:
        earlier = session.scalars(select(EmailMessage.job_id).order_by(EmailMessage.id)).all()
    page = admin.page("/outbox")
    assert [f'name="ids" value="{key}"' in page for key in keys] == [True, True, True, False]
    assert "Mails on their way: 2." in told(admin, again(admin, [*keys[:2], keys[0]]))
    assert states(as_system) == [EmailState.READY, EmailState.READY, EmailState.UNCERTAIN, EmailState.SENT]
    with as_system() as session:
        rows = session.scalars(select(EmailMessage).order_by(EmailMessage.id)).all()
        assert [row.job_id == job for row, job in zip(rows, earlier, strict=True)] == [False, False, True, True]
        assert [row.smtp_reply for row in rows[:2]] == ["", ""]
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "resend")).all()
        assert {(entry.record_id, str(entry.changes["state"])) for entry in noted} == {
            (key, "['refused', 'ready']") for key in keys[:2]
        }
        assert len(session.scalars(select(Job.id).where(Job.kind == "email.send")).all()) == 6
    assert 'id="again"' not in admin.page("/outbox?state=sent")


@pytest.mark.parametrize("state", [EmailState.SENT, EmailState.READY, EmailState.SENDING])
def test_one_that_is_not_for_it_keeps_all_and_is_named(
    admin: Visitor, as_system: Callable[..., Any], state: EmailState
) -> None:
    keys = outbox_of(as_system, EmailState.REFUSED, state)
    page = told(admin, again(admin, keys))
    assert f"Nothing was sent again, because of: M1 → 1@b.example ({state.value.capitalize()})" in page
    assert states(as_system) == [EmailState.REFUSED, state]


def test_of_many_that_are_not_for_it_some_are_named(admin: Visitor, as_system: Callable[..., Any]) -> None:
    keys = outbox_of(as_system, *[EmailState.SENT] * 7)
    page = told(admin, again(admin, keys))
    assert "M4 → 4@b.example (Sent); 2 more" in page
    assert "M5 →" not in page.partition("Nothing was sent")[2].partition("<")[0]


@pytest.mark.parametrize("keys", [[], ["abc"], [0], [10**30], list(range(1, email_fates.MOST + 2))])
def test_what_names_no_mails_is_refused(admin: Visitor, as_system: Callable[..., Any], keys: list[Any]) -> None:
    outbox_of(as_system, EmailState.REFUSED)
    assert "Choose up to 200 records" in told(admin, again(admin, keys))
    assert states(as_system) == [EmailState.REFUSED]


def test_a_mail_that_is_not_there_keeps_all(admin: Visitor, as_system: Callable[..., Any]) -> None:
    keys = outbox_of(as_system, EmailState.REFUSED)
    assert "Some of these records are no longer there" in told(admin, again(admin, [*keys, 987654]))
    assert states(as_system) == [EmailState.REFUSED]


def test_nobody_sends_what_is_not_theirs(visitor: Callable[..., Visitor], as_system: Callable[..., Any]) -> None:
    own = {"view_email_messages": Scope.OWN, "resend_email_message": Scope.OWN}
    seller = visitor(**own)
    mine = outbox_of(as_system, EmailState.REFUSED, owner_id=seller.user_id)
    theirs = outbox_of(as_system, EmailState.REFUSED)
    assert "no longer there" in told(seller, again(seller, [*mine, *theirs]))
    assert states(as_system) == [EmailState.REFUSED] * 2
    wide = visitor(view_email_messages=Scope.ALL, resend_email_message=Scope.OWN)
    assert again(wide, theirs).status_code == 403
    assert 'name="ids"' not in wide.page("/outbox")
    reader = visitor(view_email_messages=Scope.ALL)
    assert again(reader, theirs).status_code == 403
    assert states(as_system) == [EmailState.REFUSED] * 2
    assert "Mails on their way: 1." in told(seller, again(seller, mine))


def test_only_a_form_of_the_panel_sends(admin: Visitor, as_system: Callable[..., Any]) -> None:
    keys = outbox_of(as_system, EmailState.REFUSED)
    assert admin.call("POST", "/outbox/resend", data={"ids": keys}).status_code == 403
    assert admin.get("/outbox/resend").status_code in (404, 405)
    assert states(as_system) == [EmailState.REFUSED]
