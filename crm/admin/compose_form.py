"""The form that writes mail: what was typed into it, and the mail that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from crm.admin.urls import whole
from crm.entity import name_of
from crm.mail.authored import Source
from crm.models.email_template import EmailTemplate
from crm.services import email_composing, email_copies, email_recipients, email_templates
from crm.services.email_composing import Draft
from crm.services.email_recipients import Recipient
from crm.settings import Settings

_LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Typed:
    """`filled` says which template the texts were taken from, `variables` that they still speak of its variables.

    `files` are those that go along; `coming` the names of some that have not been sent yet, as a preview is told them.
    `page_key` is the page's own: what is sent from it twice is one mail.
    """

    contacts: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    to: str = ""
    cc: str = ""
    template: int | None = None
    filled: int | None = None
    variables: bool = False
    subject: str = ""
    text: str = ""
    files: tuple[int, ...] = ()
    coming: tuple[str, ...] = ()
    page_key: str = ""


def read(form: FormData) -> Typed:
    """What makes no sense is left out; what is too long, cut."""
    return Typed(
        contacts=_numbers(form, "contact"),
        others=_numbers(form, "other"),
        to=_text(form, "to")[:2000],
        cc=_text(form, "cc")[:2000],
        template=whole(_text(form, "template")),
        filled=whole(_text(form, "filled")),
        variables=_text(form, "variables") == "1",
        subject=_text(form, "subject")[:1000],
        text=_text(form, "text").replace("\r\n", "\n")[:_LONGEST],
        files=_numbers(form, "attached"),
        page_key=_text(form, "page_key")[:64],
        coming=tuple(name[:255] for name in form.getlist("file") if isinstance(name, str) and name),
    )


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.replace("\x00", "") if isinstance(value, str) else ""


def _numbers(form: FormData, name: str) -> tuple[int, ...]:
    found = (whole(value) for value in form.getlist(name))
    return tuple(number for number in found if number is not None)[:100]


def recipients_of(session: Session, typed: Typed) -> list[Recipient]:
    """Raises BadInput for nobody and for contacts without an address."""
    return email_recipients.find(session, (*typed.contacts, *typed.others), email_recipients.split(typed.to))


def draft_of(session: Session, settings: Settings, record: Any, typed: Typed) -> Draft:
    """As long as the texts are those of the template, its own design is sent; else what was typed."""
    people = recipients_of(session, typed)
    copies = email_copies.recipients(session, email_recipients.split(typed.cc), people)
    files = email_composing.find_files(session, typed.files)
    template = email_composing.find_template(session, typed.filled, record) if typed.filled else None
    texts = Source(typed.subject, typed.text)
    to_fill = typed.variables and template is not None
    draft = Draft(record, people, template, texts, to_fill=to_fill, files=files, copies=copies)
    return replace(draft, texts=None) if _is_untouched(session, settings, draft) else draft


def _is_untouched(session: Session, settings: Settings, draft: Draft) -> bool:
    if draft.template is None or draft.texts is None:
        return False
    if draft.to_fill:
        return _same(draft.texts, shown_source(draft.template))
    if len(draft.recipients) > 1:
        return False
    person = draft.recipients[0].contact
    mail = email_templates.fill(session, settings, draft.template, record=draft.record, contact=person)
    return _same(draft.texts, Source(mail.subject, mail.text))


def _same(left: Source, right: Source) -> bool:
    return left.subject.strip() == right.subject.strip() and left.text.strip() == right.text.strip()


def filled(session: Session, settings: Settings, record: Any, typed: Typed) -> Typed:
    """With the texts of the chosen template: ready for one recipient, with their variables for several."""
    if typed.template is None:
        return replace(typed, filled=None, variables=False)
    template = email_composing.find_template(session, typed.template, record)
    people = recipients_of(session, typed) if typed.contacts or typed.others or typed.to.strip() else []
    if len(people) > 1:
        texts, variables = shown_source(template), True
    else:
        person = people[0].contact if people else None
        mail = email_templates.fill(session, settings, template, record=record, contact=person)
        texts, variables = Source(mail.subject, mail.text), False
    return replace(typed, filled=template.id, variables=variables, subject=texts.subject, text=texts.text)


def shown_source(template: EmailTemplate) -> Source:
    """The template as a text with its variables; of one in HTML alone, its words."""
    text = template.text_body if template.text_body.strip() else email_templates.words_of(template)
    return Source(template.subject, text)


def about_of(record: Any) -> str:
    return name_of(type(record))
