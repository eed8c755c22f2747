"""Mail and templates as the tests of the panel make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from crm.models import EmailMessage, EmailTemplate
from tests import factories


def messages(as_system: Callable[..., Any]) -> list[EmailMessage]:
    with as_system() as session:
        rows = list(session.scalars(select(EmailMessage).order_by(EmailMessage.id)))
        session.expunge_all()
        return rows


def template(as_system: Callable[..., Any], **values: Any) -> int:
    with as_system() as session:
        texts = {"subject": "Hi {{ contact.name }}", "text_body": "Dear {{ contact.name }}", "html_body": ""}
        return int(factories.make(EmailTemplate, session, **{**texts, **values}).id)
