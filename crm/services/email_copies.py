"""Copies of a mail: who gets one, whose it is, and what everybody's mail program shows of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.errors import invalid
from crm.models.contact import Contact
from crm.models.email_message import EmailMessage
from crm.services import contacts, emails
from crm.services.email_recipients import Recipient

MOST = 10
_LONGEST = 500


def recipients(session: Session, addresses: Sequence[str], people: Sequence[Recipient]) -> list[Recipient]:
    """Each address once and none that the mail goes to anyway; a contact's where the actor sees one that bears it.

    BadInput for what is no address, for too many, and for copies of more than one mail: each would get one a recipient.
    """
    there = {contacts.spelled(person.address) for person in people}
    typed = {contacts.spelled(text): _address(text) for text in addresses if text.strip()}
    wanted = [address for plain, address in typed.items() if plain not in there]
    if wanted and len(people) > 1:
        raise invalid("cc", "goes with a mail to one recipient")
    if len(wanted) > MOST:
        raise invalid("cc", "must have at most %(max_length)s entries", max_length=MOST)
    if len(", ".join(wanted)) > _LONGEST:
        raise invalid("cc", "must have at most %(max_length)s characters", max_length=_LONGEST)
    return [_recipient(session, address) for address in wanted]


def _address(text: str) -> str:
    """Commas stand between addresses, so none may stand in one, as quotation marks would allow."""
    if "," in text:
        raise invalid("cc", emails.ADDRESS)
    return emails.address(text, "cc")


def _recipient(session: Session, address: str) -> Recipient:
    bears_it = select(Contact).where(Contact.email == contacts.spelled(address))
    contact = session.scalar(bears_it.order_by(Contact.id).limit(1))
    return Recipient(address, contact.name if contact else "", contact)


def header(session: Session, copies: Sequence[Recipient]) -> str:
    """What stands behind Cc: those who get a copy, not those who want no mail."""
    return ", ".join(copy.address for copy in copies if contacts.may_be_written_to(session, copy.address))


def require_original(session: Session, recipient: Recipient, copies: Sequence[Recipient]) -> None:
    """There is nothing to copy where the recipient wants no mail."""
    if copies and not contacts.may_be_written_to(session, recipient.address):
        raise invalid("cc", "%(address)s wants no mail from us, so there is nothing to copy", address=recipient.address)


def family(session: Session, message: EmailMessage) -> list[EmailMessage]:
    """A mail and its copies, itself first, as far as the actor sees them; nothing of one without copies."""
    first = message.copy_of_id or message.id
    wanted = select(EmailMessage).where((EmailMessage.id == first) | (EmailMessage.copy_of_id == first))
    found = list(session.scalars(wanted.order_by(EmailMessage.id)))
    return found if len(found) > 1 else []
