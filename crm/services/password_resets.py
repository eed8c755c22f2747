"""Forgotten passwords: a mailed token that sets a new one, once, within half an hour.

The token itself is in the mail alone, and leaves what is kept of the mail once it was sent, used or ran out: the table
holds its hash, logs and audit nothing.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from crm.columns import now
from crm.errors import BadInput
from crm.i18n import translate
from crm.models.email_message import EmailMessage, EmailState
from crm.models.job import JobEffect
from crm.models.password_reset import PasswordReset
from crm.models.user import User
from crm.services import emails, throttle, tokens, users
from crm.settings import Settings

LIFE = timedelta(minutes=30)
INVALID = "Invalid or expired reset token"
_SYSTEM = {"unscoped": True, "synchronize_session": False}
#: states in which a mail lies still
_LYING = tuple(state for state in EmailState if state not in (EmailState.READY, EmailState.SENDING))

SUBJECT = "Set a new password"
TEXT = """Hello %(name)s,

somebody, most likely you, asked for a new password for your account %(username)s.

Open this address within 30 minutes to set one:
%(link)s

Or use this code where you are asked for it:
%(token)s

It works once. If it was not you, ignore this mail; your password stays as it is.
"""


def request(session: Session, settings: Settings, *, email: str, ip: str) -> None:
    """Mail a token to the active user with this address; for an unknown address do nothing, and say nothing.

    Asks for `email.send`.  TooManyRequests after several requests for one address, known or not, or from one IP.
    """
    typed = email.strip()
    throttle.count(session, throttle.mail_counters(typed.casefold(), ip))
    if not typed.isprintable():  # nobody's address, and no database takes it
        return
    user = session.scalar(select(User).where(func.lower(User.email) == func.lower(typed), User.status))
    if user is None:
        return
    token, moment = tokens.random_token(), now()
    made = PasswordReset(user_id=user.id, token_hash=tokens.digest(token), created_at=moment, expires_at=moment + LIFE)
    session.add(made)
    _mail(session, user, token, settings.public_url or f"http://{settings.host}:{settings.port}")


def _mail(session: Session, user: User, token: str, base_url: str) -> None:
    # never from the request's Host header, which anyone may forge; behind the # no access log sees the token
    link = f"{base_url.rstrip('/')}/admin/reset-password#{token}"
    words = {"name": user.name or user.username, "username": user.username, "link": link, "token": token}
    emails.queue(
        session,
        to=user.email,
        to_name=user.name,
        subject=translate(user.locale, SUBJECT),
        text=translate(user.locale, TEXT, **words),
        key=f"{emails.FLEETING}{uuid.uuid4()}",
        owner_id=user.id,
        effect=JobEffect.AT_LEAST_ONCE,
    )


def holder(session: Session, token: str) -> User:
    """Whose token this is; BadInput unless it can still be used.  Asked before a password is hashed for it."""
    wanted = select(User).join(PasswordReset, PasswordReset.user_id == User.id)
    user = session.scalar(wanted.where(PasswordReset.token_hash == tokens.digest(token), *_usable()))
    if user is None:
        raise BadInput(INVALID)
    return user


def redeem(session: Session, token: str, *, password_hash: str) -> User:
    """Set the new password; one conditional UPDATE lets one of many parallel uses through.

    Every session and token of the user, and every other reset, is void from now on.
    """
    mine = update(PasswordReset).where(
        PasswordReset.token_hash == tokens.digest(token),
        PasswordReset.used_at.is_(None),
        PasswordReset.expires_at > now(),
        exists().where(User.id == PasswordReset.user_id, *_signs_in()),
    )
    taken = mine.values(used_at=now()).returning(PasswordReset.user_id)
    user_id = session.scalar(taken, execution_options=_SYSTEM)
    if user_id is None:
        raise BadInput(INVALID)
    user = session.scalars(select(User).where(User.id == user_id)).one()
    _forget(session, EmailMessage.owner_id == user_id)
    return users.update(session, user, {}, password_hash=password_hash)


def forget_expired(session: Session) -> int:
    """Take the tokens out of mails that were kept, or not sent, until nobody could use them; how many."""
    return _forget(session, EmailMessage.created_at < now() - LIFE)


def _forget(session: Session, which: ColumnElement[bool]) -> int:
    told = select(EmailMessage).where(EmailMessage.key.startswith(emails.FLEETING), which)
    # a mail that is just being sent is forgotten by whoever sends it
    told = told.where(EmailMessage.state.in_(_LYING), EmailMessage.text_body.contains("#"))
    found = session.scalars(told, execution_options={"unscoped": True}).all()
    for message in found:
        emails.forget(session, message)
    session.flush()
    return len(found)


def _usable() -> tuple[Any, ...]:
    return (PasswordReset.used_at.is_(None), PasswordReset.expires_at > now(), *_signs_in())


def _signs_in() -> tuple[Any, ...]:
    """A reset asked for before the last change of password is void."""
    return (User.status, User.deleted_at.is_(None), User.tokens_from <= PasswordReset.created_at)
