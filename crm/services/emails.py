"""Mail that shall be sent: a row and a job in the transaction of whoever wants it; and what became of it."""

from __future__ import annotations

import uuid
from email.errors import HeaderParseError
from email.headerregistry import Address
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.columns import now
from crm.entity import name_of
from crm.errors import invalid
from crm.jobs import enqueue
from crm.models.email_message import EmailMessage, EmailState
from crm.models.job import JobEffect

ATTEMPTS = 20
_UNSCOPED = {"unscoped": True}


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
    record: Any = None,
    effect: JobEffect = JobEffect.AT_MOST_ONCE,
) -> EmailMessage:
    """One mail to one recipient, sent once this transaction is committed; the same `key` gives the same mail.

    `effect` is AT_LEAST_ONCE for mail that is better sent twice than lost (a password reset).  Asks for `email.send`.
    """
    message = EmailMessage(
        key=key[:160],
        message_id=uuid.uuid4().hex,
        to_address=_address(to),
        to_name=_line(to_name)[:120],
        subject=_line(subject)[:300],
        text_body=text,
        html_body=html,
        owner_id=owner_id,
        record_type=name_of(type(record)) if record is not None else None,
        record_id=record.id if record is not None else None,
    )
    return _add(session, message, effect)


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
    options: dict[str, Any] = {"queue": "mail", "effect": effect, "attempts": ATTEMPTS}
    message.job_id = enqueue(session, "email.send", key=f"email:{message.id}", message_id=message.id, **options)
    session.flush()
    return message


def _address(text: str) -> str:
    """An address without anything that could end a header line."""
    try:
        parsed = Address(addr_spec=text.strip())
    except (ValueError, IndexError, HeaderParseError):
        parsed = Address()
    if not parsed.username or not parsed.domain:
        raise invalid("to", "must be an e-mail address such as name@example.com")
    return parsed.addr_spec


def _line(text: str) -> str:
    """One line: control characters would begin a header of their own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


# ---------------------------------------------------------------------------------------------- what became of it


def get(session: Session, message_id: int) -> EmailMessage | None:
    """For the worker that sends it, whatever the rights of its job."""
    return session.get(EmailMessage, message_id, execution_options=_UNSCOPED)


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
    """The server's answer, and the state that follows from it."""
    message.state = state
    message.smtp_code = code or None
    message.smtp_reply = reply[:500]
    if state is EmailState.SENT:
        message.sent_at = now()
    session.flush()
