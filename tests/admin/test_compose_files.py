"""New files in the form that writes mail: kept on the record, sent along, refused without losing what was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope
from crm.models import Attachment, Contact, EmailMessage, Interaction, Opportunity
from crm.services import email_composing
from crm.settings import Settings
from tests import factories, samples
from tests.admin.conftest import Visitor

TYPED = {"subject": "Offer 报价", "text": "Dear Bo,\r\nhere it is."}


@pytest.fixture
def deal(as_system: Callable[..., Any]) -> int:
    """A deal without a customer and without a contact."""
    with as_system() as session:
        factories.make(Contact, session, name="Nobody's", email="nobody@example.com", customer_id=None)
        return int(factories.make(Opportunity, session, name="Machines", customer_id=None, contact_id=None).id)


def send(visitor: Visitor, deal: int, name: str, data: bytes, *, step: str = "send", **fields: Any) -> Any:
    token = fields.pop("token", None)
    sent = {"csrf_token": visitor.token if token is None else token, **TYPED, "to": "bo@example.com", **fields}
    body, headers = samples.form(name, data, **sent, step=step)
    return visitor.call("POST", f"/opportunity/mail/{deal}", content=body, headers=headers)


def stored(as_system: Callable[..., Any]) -> list[tuple[str, str | None, int | None]]:
    with as_system() as session:
        return [(a.name, a.record_type, a.record_id) for a in session.scalars(select(Attachment))]


def mails(as_system: Callable[..., Any]) -> list[tuple[str, list[str]]]:
    with as_system() as session:
        rows = session.scalars(select(EmailMessage).order_by(EmailMessage.id))
        return [(row.to_address, [file.name for file in row.attachments]) for row in rows]


def test_a_deal_without_a_customer_writes_to_whoever_is_named(
    admin: Visitor, deal: int, as_system: Callable[..., Any]
) -> None:
    page = admin.page(f"/opportunity/mail/{deal}")
    assert "nobody@example.com" not in page
    assert 'enctype="multipart/form-data"' in page
    assert 'name="contact"' not in page
    answer = admin.post(f"/opportunity/mail/{deal}", {**TYPED, "to": "bo@example.com", "step": "send"})
    assert answer.status_code == 303
    assert mails(as_system) == [("bo@example.com", [])]
    with as_system() as session:
        entry = session.scalars(select(Interaction)).one()
        assert (entry.opportunity_id, entry.customer_id) == (deal, None)


def test_a_new_file_goes_along_and_is_kept_on_the_record(
    admin: Visitor, deal: int, as_system: Callable[..., Any]
) -> None:
    with as_system() as session:
        people = [factories.make(Contact, session, email=f"p{n}@example.com").id for n in range(2)]
    answer = send(admin, deal, "offer.pdf", samples.pdf(), other=people)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/admin/opportunity/details/{deal}")
    assert stored(as_system) == [("offer.pdf", "opportunity", deal)]
    found = mails(as_system)
    assert {address for address, _ in found} == {"bo@example.com", "p0@example.com", "p1@example.com"}
    assert all(names == ["offer.pdf"] for _, names in found)
    assert "offer.pdf" in admin.page(f"/opportunity/details/{deal}")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("offer.exe", b"MZ", "Files of this type are not stored"),
        ("offer.pdf", b"no pdf at all", "offer.pdf"),
        ("empty.txt", b"", "The file is empty"),
        ("big.txt", b"x" * (1024 * 1024 + 1), "larger than 1 MiB"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_and_what_was_typed_stays(
    admin: Visitor,
    deal: int,
    as_system: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    data: bytes,
    said: str,
) -> None:
    limited(monkeypatch, admin, upload_max_mb=1)
    answer = send(admin, deal, name, data)
    assert answer.status_code in (400, 413)
    if said != name:
        assert said in answer.text
    assert 'role="alert"' in answer.text
    assert 'value="Offer 报价"' in answer.text
    assert "Dear Bo,\nhere it is." in answer.text
    assert 'value="bo@example.com"' in answer.text
    assert (stored(as_system), mails(as_system)) == ([], [])


def limited(monkeypatch: pytest.MonkeyPatch, visitor: Visitor, **values: Any) -> None:
    """Other settings for the panel's application."""
    panel = next(route.app.state.panel for route in visitor.client.app.routes)  # type: ignore[attr-defined]
    monkeypatch.setattr(panel, "settings", panel.settings.model_copy(update=values))


def test_files_that_are_more_than_a_mail_takes_are_not_kept_either(
    admin: Visitor, deal: int, as_system: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(email_composing, "MOST_MIB", 0)
    answer = send(admin, deal, "a.txt", b"text")
    assert answer.status_code == 413
    assert "The files of one mail may have 0 MiB in all" in answer.text
    assert (stored(as_system), mails(as_system)) == ([], [])


def test_a_file_stays_chosen_while_the_rest_is_mended(admin: Visitor, deal: int, as_system: Callable[..., Any]) -> None:
    answer = send(admin, deal, "a.txt", b"text", subject=" ")
    assert answer.status_code == 400
    assert "is required" in answer.text
    assert stored(as_system) == [("a.txt", "opportunity", deal)]
    with as_system() as session:
        number = session.scalars(select(Attachment.id)).one()
    assert f'name="attached" value="{number}" checked' in answer.text
    sent = {**TYPED, "to": "bo@example.com", "attached": str(number), "step": "send"}
    assert admin.post(f"/opportunity/mail/{deal}", sent).status_code == 303
    assert mails(as_system) == [("bo@example.com", ["a.txt"])]
    assert len(stored(as_system)) == 1


def test_a_file_is_kept_when_a_template_is_taken(admin: Visitor, deal: int, as_system: Callable[..., Any]) -> None:
    answer = send(admin, deal, "a.txt", b"text", step="again")
    assert answer.status_code == 200
    assert "checked" in answer.text
    assert (len(stored(as_system)), mails(as_system)) == (1, [])


def test_a_preview_names_the_files_that_are_still_to_come(
    admin: Visitor, deal: int, as_system: Callable[..., Any]
) -> None:
    sent = {**TYPED, "to": "bo@example.com", "file": ["offer.pdf", ""]}
    assert "offer.pdf" in admin.post(f"/opportunity/mail/{deal}/preview", sent).text
    assert (stored(as_system), mails(as_system)) == ([], [])


def test_without_the_pages_token_or_the_right_no_byte_is_kept(
    admin: Visitor, visitor: Callable[..., Visitor], deal: int, as_system: Callable[..., Any], settings: Settings
) -> None:
    for token in ("", "x", visitor(admin=True).token):
        assert send(admin, deal, "a.txt", b"text", token=token).status_code == 403
    grants = {"view_opportunities": Scope.ALL, "create_email_message": Scope.ALL, "view_attachments": Scope.ALL}
    writer = visitor(**grants)
    assert 'type="file"' not in writer.page(f"/opportunity/mail/{deal}")
    assert send(writer, deal, "a.txt", b"text").status_code == 403
    only_files = visitor(**grants, create_attachment=Scope.ALL)
    assert 'type="file"' not in only_files.page(f"/opportunity/mail/{deal}")
    assert send(only_files, deal, "a.txt", b"text").status_code == 403
    assert (stored(as_system), mails(as_system)) == ([], [])
    folder = settings.uploads
    assert not folder.exists() or [path for path in folder.rglob("*") if path.is_file()] == []
