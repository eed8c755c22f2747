"""Whom a mail goes to: contacts, and addresses of people who are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crm import access
from crm.errors import invalid
from crm.models.contact import Contact
from crm.services import contacts

MOST = 50


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person, or an address alone."""

    address: str
    name: str = ""
    contact: Contact | None = None


def find(session: Session, contact_ids: Sequence[int], addresses: Sequence[str] = ()) -> list[Recipient]:
    """Each address once; BadInput for nobody, too many, and contacts without an address."""
    found = [_of_contact(access.find(session, Contact, key)) for key in dict.fromkeys(contact_ids)]
    found += [Recipient(address.strip()) for address in addresses if address.strip()]
    once = {contacts.spelled(one.address): one for one in reversed(found)}
    if not once:
        raise invalid("contactIds", "names nobody to write to")
    if len(once) > MOST:
        raise invalid("contactIds", "must have at most %(max_length)s entries", max_length=MOST)
    return list(reversed(once.values()))


def _of_contact(contact: Contact) -> Recipient:
    if not contact.email:
        raise invalid("contactIds", "%(name)s has no e-mail address", name=contact.name)
    return Recipient(contact.email, contact.name, contact)


def shown(name: str, address: str) -> str:
    """Who it is, as people read it."""
    return f"{name} <{address}>" if name else address


def split(text: str) -> list[str]:
    """Addresses as they are typed into one line, with commas or semicolons between them."""
    return text.replace(";", ",").replace("\n", ",").split(",")
