"""Mail to customers: each recipient gets a message of their own, which is an entry of the timeline as well."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm import access
from crm.db import actor_of
from crm.entity import REGISTRY, name_of, permission
from crm.errors import BadInput, TooLarge, field_error, invalid
from crm.i18n import LANGUAGES
from crm.mail import authored
from crm.mail.authored import Source, Written
from crm.models.attachment import Attachment
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.email_message import EmailMessage, EmailPurpose
from crm.models.email_template import EmailTemplate
from crm.models.interaction import Direction, Interaction, InteractionKind
from crm.services import (
    contacts,
    email_copies,
    email_recipients,
    email_templates,
    emails,
    links,
    records,
    unsubscribing,
)
from crm.services.email_recipients import Recipient
from crm.settings import Settings

#: kinds of record that mail can be written from
ABOUT = ("customer", "contact", "opportunity", "task", "interaction")
MOST_MIB = 20
_LONGEST_SUBJECT = 300


@dataclass(frozen=True, slots=True)
class Draft:
    """What shall be sent: a template, or texts (then `template` only says what they were made from).

    `to_fill`: the texts speak of the template's variables, and are filled in for each recipient.  `copies` go with a
    mail to one recipient, and say what that says.
    """

    record: Any
    recipients: Sequence[Recipient]
    template: EmailTemplate | None = None
    texts: Source | None = None
    to_fill: bool = False
    files: Sequence[Attachment] = field(default_factory=tuple)
    copies: Sequence[Recipient] = field(default_factory=tuple)


def find_record(session: Session, record_type: str, record_id: int) -> Any:
    """What the mail is about, as far as the actor sees it."""
    if record_type not in ABOUT:
        raise invalid("recordType", "must be one of: %(expected)s", expected=", ".join(ABOUT))
    model = REGISTRY[record_type]
    access.require(actor_of(session), permission(model, "view"))
    return access.find(session, model, record_id)


def find_template(session: Session, key: int, record: Any) -> EmailTemplate:
    """A template in use that fits the record."""
    access.require(actor_of(session), permission(EmailTemplate, "view"))
    template: EmailTemplate = access.find(session, EmailTemplate, key)
    if not template.active:
        raise invalid("templateId", "is not in use")
    email_templates.check_fits(template, record)
    return template


def find_files(session: Session, keys: Sequence[int], coming: int = 0) -> list[Attachment]:
    """Files the actor sees; TooLarge if these, with `coming` bytes more, are more than a mail server takes."""
    found: list[Attachment] = [access.find(session, Attachment, key) for key in dict.fromkeys(keys)]
    if coming + sum(file.size for file in found) > MOST_MIB * 1024 * 1024:
        raise TooLarge("The files of one mail may have %(most)s MiB in all", most=MOST_MIB)
    return found


def people_of(session: Session, record: Any) -> list[Contact]:
    """Contacts with an address whom mail about this record may concern, at most 50: of a deal, the primary first."""
    about = record
    if name_of(type(record)) == "task":
        about = links.seen_by(session, record, actor_of(session))
    if isinstance(about, Contact):
        return [about] if about.email else []
    if about is None:
        return []
    first = getattr(about, "contact_id", None)
    company = about.id if isinstance(about, Customer) else getattr(about, "customer_id", None)
    # a missing number would be IS NULL: everybody who belongs to no customer
    ways = [key == value for key, value in ((Contact.customer_id, company), (Contact.id, first)) if value is not None]
    if not ways:
        return []
    wanted = select(Contact).where(Contact.email != "", or_(*ways))
    found = session.scalars(wanted.order_by(Contact.name, Contact.id).limit(email_recipients.MOST))
    return sorted(found, key=lambda contact: contact.id != first)


# ---------------------------------------------------------------------------------------------- writing


def send(session: Session, settings: Settings, draft: Draft) -> list[EmailMessage]:
    """One message a recipient, each an entry of the timeline; to those who want none a cancelled one and no entry.

    Copies follow their mail, each a message too, and share its entry.  Asks for `email.send`.
    """
    access.require(actor_of(session), permission(EmailMessage, "create"))
    email_copies.require_original(session, draft.recipients[0], draft.copies)
    return [message for recipient in draft.recipients for message in _send_to(session, settings, draft, recipient)]


def compose(session: Session, settings: Settings, draft: Draft, recipient: Recipient) -> Written:
    """The mail for one recipient, all but its last line."""
    if draft.texts is not None and draft.to_fill and draft.template is not None:
        about, person = draft.record, recipient.contact
        mail = email_templates.fill_texts(session, settings, draft.template, draft.texts, record=about, contact=person)
    elif draft.texts is not None:
        mail = authored.written(
            draft.texts.subject, draft.texts.text, draft.texts.html, language=language_of(session, draft, recipient)
        )
    else:
        assert draft.template is not None
        about, person = draft.record, recipient.contact
        mail = email_templates.fill(session, settings, draft.template, record=about, contact=person)
    _check(mail)
    return mail


def _check(mail: Written) -> None:
    missing = [name for name, text in (("subject", mail.subject), ("text", mail.text)) if not text.strip()]
    if missing:
        raise BadInput("%(field)s: is required", errors=[field_error(missing[0], "is required")], field=missing[0])
    if len(mail.subject) > _LONGEST_SUBJECT:
        raise invalid("subject", "must have at most %(max_length)s characters", max_length=_LONGEST_SUBJECT)


def _send_to(session: Session, settings: Settings, draft: Draft, recipient: Recipient) -> Iterator[EmailMessage]:
    """The mail, then its copies."""
    mail = compose(session, settings, draft, recipient)
    entry = _entry(session, draft, recipient, mail) if contacts.may_be_written_to(session, recipient.address) else None
    shared = {"cc": email_copies.header(session, draft.copies), "interaction_id": entry.id if entry else None}
    original = _queue(session, settings, draft, recipient, mail, **shared)
    yield original
    for copy in draft.copies:
        yield _queue(session, settings, draft, copy, mail, copy_of_id=original.id, **shared)


def _queue(
    session: Session, settings: Settings, draft: Draft, recipient: Recipient, mail: Written, **more: Any
) -> EmailMessage:
    message = emails.queue(
        session,
        to=recipient.address,
        to_name=recipient.name,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        key=f"mail:{uuid.uuid4().hex}",
        owner_id=actor_of(session).user_id,
        record=draft.record,
        purpose=EmailPurpose.BUSINESS,
        files=draft.files,
        contact_id=recipient.contact.id if recipient.contact else None,
        template_id=draft.template.id if draft.template else None,
        template_number=draft.template.number if draft.template else None,
        **more,
    )
    unsubscribing.sign_off(session, settings, message, language=language_of(session, draft, recipient))
    return message


def _entry(session: Session, draft: Draft, recipient: Recipient, mail: Written) -> Interaction:
    """Customer and deal follow from what the mail is about; its state is told by the message that points here."""
    values: dict[str, Any] = {
        "kind": InteractionKind.EMAIL,
        "direction": Direction.OUTBOUND,
        "subject": mail.subject[:200],
        "body": mail.text,
        "contact_id": recipient.contact.id if recipient.contact else None,
    }
    about = draft.record
    if name_of(type(about)) == "task":
        about = links.seen_by(session, about, actor_of(session))
    if isinstance(about, Interaction):  # an answer stands where what it answers stands
        seen = [name for name in ("customer", "opportunity") if getattr(about, name) is not None]
        values |= {f"{name}_id": getattr(about, f"{name}_id") for name in seen}
    name = f"{name_of(type(about))}_id" if about is not None else ""
    if name in ("customer_id", "contact_id", "opportunity_id") and not (name == "contact_id" and recipient.contact):
        values[name] = about.id
    made: Interaction = records.create(session, Interaction, values)
    return made


def language_of(session: Session, draft: Draft, recipient: Recipient) -> str:
    """The template's, else the recipient's, else the writer's."""
    wishes = (
        draft.template.language if draft.template else "",
        recipient.contact.preferred_language if recipient.contact else "",
        actor_of(session).locale,
    )
    return next((wish for wish in wishes if wish in LANGUAGES), "en")
