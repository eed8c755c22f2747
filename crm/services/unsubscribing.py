"""The way out of business mail: a last line in each, and what happens when its recipient follows it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.i18n import translate
from crm.mail import bodies, unsubscribe_links
from crm.mail.message import sender_of
from crm.models.email_message import EmailMessage, EmailPurpose
from crm.models.email_suppression import EmailSuppression
from crm.services import records, throttle
from crm.services.contacts import spelled
from crm.settings import Settings

_SENTENCE = "You get this mail because you are in touch with %(company)s."
_LABEL = "I want no more mail"
_UNSCOPED = {"unscoped": True}


def sign_off(session: Session, settings: Settings, message: EmailMessage, *, language: str) -> None:
    """Add the last line to both bodies of a stored mail: only now is its number known."""
    url = unsubscribe_links.link(settings, message.id)
    sentence, label = _last_line(settings, language)
    message.text_body = f"{message.text_body.rstrip()}\n\n-- \n{sentence}\n{label}: {url}\n"
    if message.html_body:
        message.html_body = bodies.with_footer(message.html_body, sentence, url, label)
    session.flush()


def with_last_line(settings: Settings, html: str, *, language: str) -> str:
    """How it will look; the link leads nowhere yet."""
    sentence, label = _last_line(settings, language)
    return bodies.with_footer(html, sentence, "#", label)


def _last_line(settings: Settings, language: str) -> tuple[str, str]:
    company = sender_of(settings).display_name or sender_of(settings).domain
    return translate(language, _SENTENCE, company=company), translate(language, _LABEL)


def recipient(session: Session, settings: Settings, token: str, *, ip: str) -> str | None:
    """The address a token was sent to; None for what we did not sign.  TooManyRequests for whoever tries many."""
    number = unsubscribe_links.read(settings, token)
    wanted = (EmailMessage.id == number, EmailMessage.purpose == EmailPurpose.BUSINESS)
    found = select(EmailMessage.to_address).where(*wanted)
    address = session.scalar(found, execution_options=_UNSCOPED) if number is not None else None
    if address is None:
        throttle.count(session, (throttle.counter("unsubscribe", ip, free=20, longest_s=900),))
    return address


def is_done(session: Session, address: str) -> bool:
    """Whether the address is on the list already."""
    known = select(EmailSuppression.id).where(EmailSuppression.address == spelled(address))
    return session.scalar(known, execution_options=_UNSCOPED) is not None


def unsubscribe(session: Session, address: str) -> None:
    """No business mail goes to this address any more; a second time changes nothing."""
    if not is_done(session, address):
        values = {"address": spelled(address), "reason": "Unsubscribed by the link in a mail"}
        records.create(session, EmailSuppression, values)


def masked(address: str) -> str:
    """`maria@example.com` → `m•••@e•••.com`: enough for its owner, too little for anybody else."""
    local, _, domain = address.rpartition("@")
    host, _, last = domain.rpartition(".")
    return f"{local[:1]}•••@{host[:1]}•••.{last}"
