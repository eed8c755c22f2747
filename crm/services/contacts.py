"""What holds for every contact, whichever door it came through."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.entity import rule
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.services.phones import normalised

_NUMBERS = ("phone", "mobile")


@rule(Contact)
def spell_alike(session: Session, contact: Contact, changed: frozenset[str]) -> None:
    """E-mail addresses in lower case, telephone numbers in one spelling: so that equal ones are found to be equal."""
    if "email" in changed:
        contact.email = contact.email.strip().lower()
    numbers = [name for name in _NUMBERS if name in changed and getattr(contact, name)]
    country = _country(session, contact) if numbers else ""
    for name in numbers:
        setattr(contact, name, normalised(getattr(contact, name), country=country))


def _country(session: Session, contact: Contact) -> str:
    """The country of the contact's company, where the actor sees it."""
    if contact.customer_id is None:
        return ""
    customer = session.get(Customer, contact.customer_id)
    return customer.country if customer is not None else ""
