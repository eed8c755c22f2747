"""Mail that shall be sent: a row and a job in the transaction of whoever wants it; and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from email.errors import HeaderParseError
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.columns import now
from crm.entity import name_of
from crm.errors import invalid
from crm.i18n import translate
from crm.jobs import enqueue
from crm.mail.message import address_of, line
from crm.models.attachment import Attachment
from crm.models.email_message import EmailMessage, EmailPurpose, EmailState, email_message_attachment
from crm.models.job import JobEffect
from crm.models.user import User
from crm.services import contacts

ATTEMPTS = 20
#: how the keys of mails begin whose text is not kept once it was sent, or no longer works
FLEETING = "password-reset:"
FORGOTTEN = "What this mail said is not kept."
ADDRESS = "must be an e-mail address such as name@example.com"
UNWANTED = "The recipient wants no mail from us"
_UNSCOPED = {"unscoped": True}
_LONGEST_ADDRESS = 254


def queue(
    session: Session,
    *,
    to: str,
    subject: str,
    text: str,
    html: str = "",
    key: str,
    owner_id: int | None = None,
    to_name: str = "",
    cc: str = "",
    record: Any = None,
    effect: JobEffect = JobEffect.AT_MOST_ONCE,
    purpose: EmailPurpose = EmailPurpose.SYSTEM,
    files: Sequence[Attachment] = (),
    **made_of: int | None,
) -> EmailMessage:
    """One mail to one recipient, sent once this transaction is committed; the same `key` gives the same mail.

    `effect` is AT_LEAST_ONCE for mail that is better sent twice than lost (a password reset); mail of `purpose`
    BUSINESS to somebody who wants none is written down as cancelled and not sent.  `made_of`: contact_id,
    template_id, template_number, interaction_id, copy_of_id.  Asks for `email.send`.
    """
    message = EmailMessage(
        key=key[:160],
        message_id=uuid.uuid4().hex,
        to_address=address(to),
        to_name=line(to_name)[:120],
        cc=cc,
        subject=line(subject)[:300],
        text_body=text,
        html_body=html,
        owner_id=owner_id,
        purpose=purpose,
        record_type=name_of(type(record)) if record is not None else None,
        record_id=record.id if record is not None else None,
        attachments=list(files),
        **made_of,
    )
    if unwanted(session, message):
        message.state, message.smtp_reply = EmailState.CANCELLED, UNWANTED
    return _add(session, message, effect)


def unwanted(session: Session, message: EmailMessage) -> bool:
    """Whether this is business mail to somebody who wants none; asked when it is written and again when it is sent."""
    is_business = message.purpose is EmailPurpose.BUSINESS
    return is_business and not contacts.may_be_written_to(session, message.to_address)


def _add(session: Session, message: EmailMessage, effect: JobEffect) -> EmailMessage:
    earlier = select(EmailMessage).where(EmailMessage.key == message.key)
    found = session.scalar(earlier, execution_options=_UNSCOPED)
    if found is not None:
        return found
    try:
        with session.begin_nested():
            session.add(message)
            session.flush()
    except IntegrityError:  # somebody else wrote it between the look and the insert
        return session.scalars(earlier, execution_options=_UNSCOPED).one()
    if message.state is not EmailState.CANCELLED:
        ask_to_send(session, message, key=f"email:{message.id}", effect=effect)
    return message


def ask_to_send(
    session: Session, message: EmailMessage, *, key: str, effect: JobEffect = JobEffect.AT_MOST_ONCE
) -> None:
    """A job of its own, which the mail points at from now on."""
    options: dict[str, Any] = {"queue": "mail", "effect": effect, "attempts": ATTEMPTS}
    message.job_id = enqueue(session, "email.send", key=key, message_id=message.id, **options)
    session.flush()


def address(text: str, field: str = "to") -> str:
    """An address without anything that could end a header line; the domain in the alphabet it was typed in."""
    plain = text.strip()
    try:
        parsed = address_of(plain)
    except (ValueError, IndexError, HeaderParseError):
        raise invalid(field, ADDRESS) from None
    if not parsed.username or not parsed.domain or len(plain) > _LONGEST_ADDRESS:
        raise invalid(field, ADDRESS)
    return plain


# ---------------------------------------------------------------------------------------------- what became of it


def get(session: Session, message_id: int) -> EmailMessage | None:
    """For the worker that sends it, whatever the rights of its job."""
    return session.get(EmailMessage, message_id, execution_options=_UNSCOPED)


def original_of(session: Session, message: EmailMessage) -> EmailMessage:
    """The mail that a copy shows as its own; any other mail itself."""
    known = message.copy_of_id and session.get(EmailMessage, message.copy_of_id, execution_options=_UNSCOPED)
    return known or message


def files_of(session: Session, message: EmailMessage) -> list[Attachment]:
    """What hangs on the mail, in the trash by now or not."""
    link = email_message_attachment.c
    wanted = select(Attachment).join(email_message_attachment, link.attachment_id == Attachment.id)
    wanted = wanted.where(link.email_message_id == message.id).order_by(Attachment.id)
    return list(session.scalars(wanted, execution_options={"unscoped": True, "trash": "any"}))


def capture(session: Session, message: EmailMessage) -> None:
    """No mail server is set: the panel's inbox has it."""
    message.state = EmailState.CAPTURED
    session.flush()


def begin(session: Session, message: EmailMessage, *, header: str) -> None:
    """Its body is about to be handed over; `header` is its Message-ID from now on."""
    message.state = EmailState.SENDING
    message.message_id = header
    message.sending_at = now()
    message.attempts += 1
    session.flush()


def conclude(session: Session, message: EmailMessage, state: EmailState, *, code: int, reply: str) -> None:
    """The server's answer (or why none was asked), and the state that follows from it."""
    if message.state is EmailState.READY and state is not EmailState.CANCELLED:
        message.attempts += 1  # what came to the handing over was counted there
    message.state = state
    message.smtp_code = code or None
    message.smtp_reply = reply[:500]
    if state is EmailState.SENT:
        message.sent_at = now()
        if message.key.startswith(FLEETING):
            forget(session, message)
    session.flush()


def forget(session: Session, message: EmailMessage) -> None:
    """Take the text out of a mail that has done its work: what it says would open an account."""
    owner = session.get(User, message.owner_id, execution_options=_UNSCOPED) if message.owner_id else None
    message.text_body, message.html_body = translate(owner.locale if owner else "en", FORGOTTEN), ""
