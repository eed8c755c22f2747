"""Mail as bytes: CRLF, nothing that breaks out of a header, addresses of all alphabets, a one-click way out."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.message import EmailMessage as Mime
from email.policy import default
from typing import Any

import pytest

from crm.mail import message as mime
from crm.mail import unsubscribe_links
from crm.models import EmailMessage, User
from crm.models.email_message import EmailPurpose
from crm.settings import Settings

EVIL = "Hello\r\nBcc: everyone@b.example\x00"


@pytest.fixture
def plain() -> Settings:
    return Settings(
        _env_file=None,
        env="test",
        mail_from="Sales <crm@crm.example>",
        public_url="https://crm.a-company-with-a-rather-long-name.example",
        jwt_secret="a secret of 32 bytes for tests only",
    )


def read(
    stored: EmailMessage, settings: Settings, *, international: bool = False, files: Any = ()
) -> tuple[Mime, bytes]:
    made = mime.compose(stored, settings, date=datetime(2026, 11, 30, tzinfo=UTC), files=files)
    raw = mime.as_bytes(made, international=international)
    parsed: Any = email.message_from_bytes(raw, policy=default)
    return parsed, raw


def stored(**values: Any) -> EmailMessage:
    given = {"id": 7, "message_id": "abc", "to_address": "bo@example.com", "to_name": "", "cc": "", "subject": "S"}
    return EmailMessage(**{**given, "text_body": "T\n", "html_body": "", "purpose": EmailPurpose.SYSTEM, **values})


def test_no_value_breaks_out_of_its_header(plain: Settings) -> None:
    owner = User(name=EVIL, email="ann@example.com")
    files = [mime.File(EVIL + ".pdf", "application/pdf\r\nX: y", b"%PDF")]
    evil = stored(subject=EVIL, to_name=EVIL, cc="cy@b.example", owner=owner, purpose=EmailPurpose.BUSINESS)
    parsed, raw = read(evil, plain, files=files)
    assert parsed["Bcc"] is None
    assert b"\nBcc:" not in raw
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert parsed["Subject"] == "Hello Bcc: everyone@b.example"


@pytest.mark.parametrize("address", ["a@b.example\r\nBcc: c@d.example", "a\nb@c.example"])
@pytest.mark.parametrize("header", ["to_address", "cc"])
def test_an_address_with_a_line_end_is_never_written(plain: Settings, address: str, header: str) -> None:
    with pytest.raises(ValueError, match=r"CR or LF|could be parsed|domain"):
        read(stored(**{header: address}), plain)


def test_no_copied_address_breaks_out_of_its_header(plain: Settings) -> None:
    with pytest.raises(ValueError, match=r"CR or LF|domain|parse"):
        read(stored(cc=EVIL), plain)


def test_a_copy_shows_whom_the_mail_went_to_and_who_was_copied(plain: Settings) -> None:
    original = stored(to_address="bo@example.com", to_name="王波")
    copy = stored(id=8, message_id="def", to_address="di@bücher.example", cc="di@bücher.example, cy@b.example")
    made = mime.compose(copy, plain, date=datetime(2026, 11, 30, tzinfo=UTC), original=original)
    parsed: Any = email.message_from_bytes(mime.as_bytes(made, international=False), policy=default)
    assert str(parsed["To"].addresses[0]) == "王波 <bo@example.com>"
    assert [a.addr_spec for a in parsed["Cc"].addresses] == ["di@xn--bcher-kva.example", "cy@b.example"]
    assert parsed["Message-ID"] == "<def@crm.example>"
    assert mime.recipient_of(copy) == "di@xn--bcher-kva.example"


def test_bodies_need_no_server_that_takes_eight_bits(plain: Settings) -> None:
    files = [mime.File("价格.txt", "text/plain", "¥".encode())]
    parsed, raw = read(stored(text_body="¥ 100\n.\n王\n", html_body="<p>¥ 100</p>"), plain, files=files)
    assert raw.isascii()
    text = parsed.get_body(("plain",))
    assert text is not None
    assert text.get_content() == "¥ 100\n.\n王\n"


def test_business_mail_can_be_answered_and_refused_by_one_click(plain: Settings) -> None:
    owner = User(name="王 安", email="ann@example.com")
    parsed, raw = read(stored(purpose=EmailPurpose.BUSINESS, owner=owner), plain)
    link = unsubscribe_links.link(plain, 7)
    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert parsed["Reply-To"].addresses[0].addr_spec == "ann@example.com"
    assert parsed["From"].addresses[0].display_name == "王 安"
    assert parsed["From"].addresses[0].addr_spec == "crm@crm.example"
    assert parsed["Auto-Submitted"] is None


def test_mail_to_colleagues_has_none_of_that(plain: Settings) -> None:
    parsed, _ = read(stored(owner=User(name="Ann", email="ann@example.com")), plain)
    assert parsed["List-Unsubscribe"] is None
    assert parsed["Reply-To"] is None
    assert parsed["Auto-Submitted"] == "auto-generated"


def test_a_domain_of_any_alphabet_is_written_in_letters_every_server_knows(plain: Settings) -> None:
    parsed, _ = read(stored(to_address="bo@bücher.example", to_name="王波"), plain)
    assert parsed["To"].addresses[0].addr_spec == "bo@xn--bcher-kva.example"
    assert parsed["To"].addresses[0].display_name == "王波"


def test_a_name_of_any_alphabet_needs_a_server_that_knows_it(plain: Settings) -> None:
    _, raw = read(stored(to_address="王波@example.com"), plain, international=True)
    assert "To: 王波@example.com\r\n".encode() in raw


def test_files_keep_name_and_content(plain: Settings) -> None:
    files = [
        mime.File("报价 单.pdf", "application/pdf", b"%PDF\r\n.\r\n"),
        mime.File("x", "message/rfc822", b"From: x"),
    ]
    parsed, _ = read(stored(html_body="<p>T</p>"), plain, files=files)
    first, second = parsed.iter_attachments()
    assert (first.get_filename(), first.get_content()) == ("报价 单.pdf", b"%PDF\r\n.\r\n")
    assert second.get_content_type() == "application/octet-stream"
    assert parsed.get_body(("html",)) is not None


def test_a_link_is_worth_only_what_we_signed(plain: Settings) -> None:
    token = unsubscribe_links.link(plain, 7).rpartition("/")[2]
    assert unsubscribe_links.read(plain, token) == 7
    for forged in ("", "Nw", "7", token[:-1], f"x{token}", token * 20, "\x00", "é"):
        assert unsubscribe_links.read(plain, forged) is None


def test_a_link_outlives_a_change_of_keys(plain: Settings) -> None:
    token = unsubscribe_links.link(plain, 7).rpartition("/")[2]
    changed = Settings(_env_file=None, jwt_secret="b" * 32, jwt_secret_previous=plain.jwt_secret)
    changed_twice = Settings(_env_file=None, jwt_secret="b" * 32, jwt_secret_previous="c" * 32)
    assert unsubscribe_links.read(changed, token) == 7
    assert unsubscribe_links.read(changed_twice, token) is None
