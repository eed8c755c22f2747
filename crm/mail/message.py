"""The MIME form of a stored mail: headers that cannot be broken out of, text and HTML side by side, files behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, default
from email.utils import format_datetime, parseaddr
from typing import Any

from crm.mail import unsubscribe_links
from crm.models.email_message import EmailMessage as StoredMessage
from crm.models.email_message import EmailPurpose
from crm.models.user import User
from crm.settings import Settings

#: machines read these as they stand; the standard policy would fold and encode a long address
_VERBATIM = frozenset({"list-unsubscribe", "list-unsubscribe-post"})
_KNOWN_TYPES = frozenset({"application", "image", "audio", "video", "text"})


class _Policy(EmailPolicy):
    """Line ends of SMTP; a few headers are never folded."""

    def fold(self, name: str, value: Any) -> str:
        return f"{name}: {value}{self.linesep}" if name.lower() in _VERBATIM else super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode() if name.lower() in _VERBATIM else super().fold_binary(name, value)


#: bodies of plain letters alone: a server need not take others
_SEVEN_BIT = default.clone(cte_type="7bit")
_PLAIN = _Policy(linesep=SMTP.linesep)
_INTERNATIONAL = _Policy(linesep=SMTP.linesep, utf8=True)


@dataclass(frozen=True, slots=True)
class File:
    """What hangs on a mail."""

    name: str
    media_type: str
    content: bytes


def sender_of(settings: Settings) -> Address:
    """MAIL_FROM, `Name <address>` or an address alone."""
    name, address = parseaddr(settings.mail_from)
    return address_of(address, name)


def address_of(text: str, name: str = "") -> Address:
    """One mailbox, its domain in ASCII; ValueError for anything else, line ends among it."""
    local, _, domain = ascii_domain(text.strip()).rpartition("@")
    if local.isascii():
        return Address(display_name=name, addr_spec=f"{local}@{domain}")
    Address(addr_spec=f"x@{domain}")  # the parser knows no local part of another alphabet: look at the domain alone
    if any(not c.isprintable() or c in '\x20"<>()[]:;@,\\' for c in local):
        raise ValueError("no local part")
    return Address(display_name=name, username=local, domain=domain)


def message_id(stored: StoredMessage, settings: Settings) -> str:
    """The same at each try: what the row holds, completed by the sender's domain before the first."""
    known = stored.message_id
    return known if known.startswith("<") else f"<{known}@{sender_of(settings).domain}>"


def recipient_of(stored: StoredMessage) -> str:
    """Whom the server is told to bring it to, whatever the headers say."""
    return str(address_of(stored.to_address).addr_spec)


def compose(
    stored: StoredMessage,
    settings: Settings,
    *,
    date: datetime,
    files: Sequence[File] = (),
    original: StoredMessage | None = None,
) -> EmailMessage:
    """The policy of EmailMessage refuses line ends in headers; bodies are encoded as needed.

    A copy shows whom its `original` went to.  Mail to customers bears the name of whoever wrote it, whom the answer
    goes to, and a way to want no more.
    """
    made = EmailMessage(policy=_SEVEN_BIT)
    business = stored.purpose is EmailPurpose.BUSINESS
    made["From"] = _from(settings, stored.owner if business else None)
    shown = original or stored
    made["To"] = address_of(shown.to_address, line(shown.to_name))
    if stored.cc:
        made["Cc"] = [address_of(address) for address in stored.cc.split(",")]
    made["Subject"] = line(stored.subject)
    made["Date"] = format_datetime(date)
    made["Message-ID"] = message_id(stored, settings)
    if business:
        _as_business(made, stored, settings)
    else:
        made["Auto-Submitted"] = "auto-generated"
    made.set_content(stored.text_body or " ")
    if stored.html_body:
        made.add_alternative(stored.html_body, subtype="html")
    for file in files:
        _attach(made, file)
    return made


def as_bytes(message: EmailMessage, *, international: bool) -> bytes:
    """With the line ends of SMTP; `international` where server and addresses speak SMTPUTF8."""
    return message.as_bytes(policy=_INTERNATIONAL if international else _PLAIN)


def line(text: str) -> str:
    """One line: control characters would begin a header of their own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def ascii_domain(address: str) -> str:
    """`bo@bücher.example` → `bo@xn--bcher-kva.example`, which every server takes; UnicodeError for no domain."""
    local, at, domain = address.rpartition("@")
    return address if domain.isascii() else f"{local}{at}{domain.encode('idna').decode()}"


def _from(settings: Settings, writer: User | None) -> Address:
    ours = sender_of(settings)
    name = line(writer.name) if writer is not None else ""
    return address_of(ours.addr_spec, name or ours.display_name)


def _as_business(made: EmailMessage, stored: StoredMessage, settings: Settings) -> None:
    if stored.owner is not None and stored.owner.email:
        made["Reply-To"] = address_of(stored.owner.email, line(stored.owner.name))
    made["List-Unsubscribe"] = f"<{unsubscribe_links.link(settings, stored.id)}>"
    made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _attach(made: EmailMessage, file: File) -> None:
    main, _, sub = file.media_type.partition("/")
    if main not in _KNOWN_TYPES or not sub.replace("-", "").replace(".", "").replace("+", "").isalnum():
        main, sub = "application", "octet-stream"
    made.add_attachment(file.content, maintype=main, subtype=sub, filename=line(file.name) or "file")
