"""What holds for every contact, whichever door it came through; and whether somebody may be written to."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.entity import rule
from crm.errors import invalid
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.email_suppression import EmailSuppression
from crm.models.opportunity import Opportunity
from crm.services.phones import normalised

#: what mail can be written in
LANGUAGES = ("en", "zh")
_NUMBERS = ("phone", "mobile")
_UNSCOPED = {"unscoped": True}


@rule(Contact)
def spell_alike(session: Session, contact: Contact, changed: frozenset[str]) -> None:
    """E-mail addresses in lower case, telephone numbers in one spelling: so that equal ones are found to be equal."""
    if "email" in changed:
        contact.email = spelled(contact.email)
    numbers = [name for name in _NUMBERS if name in changed and getattr(contact, name)]
    local = any(not getattr(contact, name).lstrip().startswith("+") for name in numbers)
    country = _country(session, contact) if local else ""
    for name in numbers:
        setattr(contact, name, normalised(getattr(contact, name), country=country))


@rule(Contact)
def know_the_language(_session: Session, contact: Contact, changed: frozenset[str]) -> None:
    """`zh-CN` and `EN` are languages we write; others are refused rather than forgotten later."""
    if "preferred_language" not in changed or not contact.preferred_language:
        return
    code = contact.preferred_language.strip().lower().replace("_", "-").partition("-")[0]
    if code not in LANGUAGES:
        raise invalid("preferredLanguage", "must be en or zh")
    contact.preferred_language = code


@rule(Opportunity)
def belong_to_the_customer(session: Session, deal: Opportunity, changed: frozenset[str]) -> None:
    """The primary contact works at the deal's customer, or at no company we know; a deal without a customer gets the
    contact's.
    """
    if deal.contact_id is None or not changed & {"contact_id", "customer_id"}:
        return
    works_at = select(Contact.customer_id).where(Contact.id == deal.contact_id)
    company = session.scalar(works_at, execution_options=_UNSCOPED)
    if company is None:
        return
    if deal.customer_id is None:
        deal.customer_id = company
    elif deal.customer_id != company:
        raise invalid("contactId", "must be a contact of the deal's customer, or of no company")


@rule(EmailSuppression)
def spell_suppressed(_session: Session, suppression: EmailSuppression, changed: frozenset[str]) -> None:
    """As it is compared: an address that somebody has typed counts like one that has unsubscribed."""
    if "address" in changed:
        suppression.address = spelled(suppression.address)


def may_be_written_to(session: Session, address: str) -> bool:
    """Whether business mail may go to `address`: no live contact that bears it, seen by the actor or not, wants no
    contact, and it is not on the list of suppressed addresses.
    """
    plain = spelled(address)
    refused = select(Contact.id).where(Contact.email == plain, Contact.do_not_contact, Contact.deleted_at.is_(None))
    if session.scalar(refused.limit(1), execution_options=_UNSCOPED) is not None:
        return False
    suppressed = select(EmailSuppression.id).where(EmailSuppression.address == plain)
    return session.scalar(suppressed.limit(1), execution_options=_UNSCOPED) is None


def spelled(address: str) -> str:
    """An e-mail address as it is stored and compared."""
    return address.strip().lower()


def _country(session: Session, contact: Contact) -> str:
    """The country of the contact's company, where the actor sees it."""
    if contact.customer_id is None:
        return ""
    customer = session.get(Customer, contact.customer_id)
    return customer.country if customer is not None else ""
