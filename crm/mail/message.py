"""The MIME form of a stored mail: headers that cannot be broken out of, text and HTML side by side."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from crm.models.email_message import EmailMessage as StoredMessage
from crm.settings import Settings


def sender_of(settings: Settings) -> Address:
    """MAIL_FROM, `Name <address>` or an address alone."""
    name, address = parseaddr(settings.mail_from)
    return Address(display_name=name, addr_spec=address)


def message_id(stored: StoredMessage, settings: Settings) -> str:
    """The same at each try: what the row holds, completed by the sender's domain before the first."""
    known = stored.message_id
    return known if known.startswith("<") else f"<{known}@{sender_of(settings).domain}>"


def compose(stored: StoredMessage, settings: Settings, *, date: datetime) -> EmailMessage:
    """The policy of EmailMessage refuses line ends in headers; bodies are encoded as needed."""
    made = EmailMessage()
    made["From"] = sender_of(settings)
    made["To"] = Address(display_name=stored.to_name, addr_spec=stored.to_address)
    if stored.cc:
        made["Cc"] = stored.cc
    made["Subject"] = stored.subject
    made["Date"] = format_datetime(date)
    made["Message-ID"] = message_id(stored, settings)
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(stored.text_body or " ")
    if stored.html_body:
        made.add_alternative(stored.html_body, subtype="html")
    return made
