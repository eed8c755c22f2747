"""Files in the panel: a card on every record, uploads with and without scripts, downloads, the file's own page."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import Scope
from crm.files.storage import Storage
from crm.models import Attachment, Customer
from crm.models.attachment import PreviewState
from crm.settings import Settings
from tests import factories, samples
from tests.admin.conftest import Visitor


@pytest.fixture
def firm(as_system: Any, admin: Visitor) -> int:
    with as_system() as session:
        return int(factories.make(Customer, session, name="Acme", owner_id=admin.user_id).id)


def send(visitor: Visitor, name: str, data: bytes, *, token: str = "", **fields: Any) -> Any:
    """What the form of the card sends; with `token` empty the page's own."""
    body, headers = samples.form(name, data, csrf_token=token or visitor.token, **fields)
    return visitor.call("POST", "/attachment/upload", content=body, headers=headers)


def stored(as_system: Any) -> list[tuple[str, str | None, int | None]]:
    with as_system() as session:
        return [(a.name, a.record_type, a.record_id) for a in session.query(Attachment).order_by(Attachment.id)]


def test_a_file_is_uploaded_by_the_form_shown_on_the_record_and_given_back(
    admin: Visitor, firm: int, as_system: Any
) -> None:
    page = admin.page(f"/customer/details/{firm}")
    assert 'action="/admin/attachment/upload"' in page
    offer = samples.pdf()
    answer = send(admin, "offer.pdf", offer, record_type="customer", record_id=firm)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/admin/customer/details/{firm}#files")
    assert stored(as_system) == [("offer.pdf", "customer", firm)]
    assert "offer.pdf" in admin.page(f"/customer/details/{firm}")
    got = admin.get("/attachment/download/1")
    assert got.content == offer
    assert got.headers["content-disposition"].startswith('attachment; filename="offer.pdf"')
    assert "sandbox" in got.headers["content-security-policy"]
    assert "There is no preview" not in admin.page("/attachment/details/1")
    gone = admin.post(f"/attachment/delete/1?back=/admin/customer/details/{firm}%23files")
    assert gone.headers["location"] == f"/admin/customer/details/{firm}#files"
    assert admin.get("/attachment/download/1").status_code == 200  # in the trash, for those who may restore it
    assert "offer.pdf" not in admin.page(f"/customer/details/{firm}")


def test_a_script_is_answered_in_json_and_told_what_is_wrong(admin: Visitor, firm: int, as_system: Any) -> None:
    body, headers = samples.form("a.txt", b"text", record_type="customer", record_id=firm)
    headers |= {"accept": "application/json", "x-csrf-token": admin.token}
    assert admin.call("POST", "/attachment/upload", content=body, headers=headers).json() == {"count": 1}
    body, more = samples.form("a.exe", b"MZ", record_type="customer", record_id=firm)
    refused = admin.call("POST", "/attachment/upload", content=body, headers=headers | more)
    assert refused.status_code == 400
    assert "Files of this type are not stored" in refused.json()["message"]
    assert len(stored(as_system)) == 1


def test_what_is_wrong_is_said_on_the_record(admin: Visitor, firm: int, as_system: Any, settings: Settings) -> None:
    answer = send(admin, "page.html", b"<html>", record_type="customer", record_id=firm)
    assert answer.headers["location"] == f"/admin/customer/details/{firm}#files"
    assert stored(as_system) == []
    flash = answer.headers["set-cookie"].partition(";")[0]
    page = admin.get(f"/customer/details/{firm}", headers={"cookie": f"crm_session={admin.cookie}; {flash}"}).text
    assert "Files of this type are not stored" in page


def test_without_the_pages_token_no_byte_is_kept(admin: Visitor, visitor: Any, settings: Settings) -> None:
    other = visitor(admin=True).token
    for token in ("x", other):
        assert send(admin, "a.txt", b"text", token=token).status_code == 403
    body, headers = samples.form("a.txt", b"text")
    assert admin.call("POST", "/attachment/upload", content=body, headers=headers).status_code == 403
    assert not settings.uploads.exists() or not list(settings.uploads.rglob("incoming/*"))


def test_the_page_without_a_script_takes_files_of_ones_own(visitor: Any, as_system: Any) -> None:
    agent = visitor(create_attachment=Scope.OWN, view_attachments=Scope.OWN)
    assert 'enctype="multipart/form-data"' in agent.page("/attachment/create")
    answer = send(agent, "own.txt", b"text")
    assert answer.headers["location"] == "/admin/attachment/list"
    assert "own.txt" in agent.page("/attachment/list")
    assert agent.get("/attachment/create?record_type=customer&record_id=99").status_code == 404


def test_whoever_may_not_change_the_record_sees_its_files_and_adds_none(
    visitor: Any, admin: Visitor, firm: int, as_system: Any
) -> None:
    send(admin, "offer.txt", b"text", record_type="customer", record_id=firm)
    reader = visitor(view_customers=Scope.ALL, view_attachments=Scope.OWN, create_attachment=Scope.OWN)
    page = reader.page(f"/customer/details/{firm}")
    assert "offer.txt" in page
    assert "/attachment/upload" not in page
    assert "/attachment/delete/" not in page
    assert send(reader, "b.txt", b"text", record_type="customer", record_id=firm).status_code == 403
    stranger = visitor(view_customers=Scope.OWN, view_attachments=Scope.OWN)
    for path in ("download", "preview", "details"):
        assert stranger.get(f"/attachment/{path}/1").status_code == 404
    assert "offer.txt" not in stranger.page("/attachment/list")
    assert visitor(view_customers=Scope.ALL).page(f"/customer/details/{firm}").count("offer.txt") == 0


def test_previews_are_drawn_once_they_are_there(admin: Visitor, firm: int, as_system: Any, settings: Settings) -> None:
    send(admin, "photo.png", samples.picture(), record_type="customer", record_id=firm)
    send(admin, "notes.txt", b"first line", record_type="customer", record_id=firm)
    assert "data-waiting" in admin.page(f"/customer/details/{firm}")
    picture = Storage(settings.uploads).put(samples.picture("WEBP"))
    with as_system() as session:
        photo, notes = session.query(Attachment).order_by(Attachment.id)
        photo.preview_state, photo.preview_sha256 = PreviewState.READY, picture
        notes.preview_state, notes.preview_text = PreviewState.READY, "first <b>line</b>"
    page = admin.get(f"/customer/details/{firm}").text
    assert 'src="/admin/attachment/preview/1"' in page
    assert "data-waiting" not in page
    shown = admin.get("/attachment/preview/1")
    assert (shown.headers["content-type"], shown.content[8:12]) == ("image/webp", b"WEBP")
    assert "first &lt;b&gt;line" in admin.get("/attachment/details/2").text
    assert admin.get("/attachment/preview/2").headers["content-type"].startswith("text/plain")


def test_files_without_a_record_are_given_one_in_the_form(admin: Visitor, firm: int, as_system: Any) -> None:
    page = admin.page("/attachment/create")
    assert 'name="record_type"' in page
    assert "data-record-link" in page
    answer = send(admin, "a.txt", b"text", record_type="customer", record_id=firm)
    assert answer.headers["location"].endswith(f"/customer/details/{firm}#files")
    assert stored(as_system) == [("a.txt", "customer", firm)]
    assert send(admin, "b.txt", b"text", record_type="", record_id="").status_code == 303
    assert stored(as_system)[1:] == [("b.txt", None, None)]
    for wrong in ({"record_type": "customer", "record_id": ""}, {"record_type": "", "record_id": firm}):
        assert "flash" in send(admin, "c.txt", b"text", **wrong).headers["set-cookie"]
    assert len(stored(as_system)) == 2
