"""Mail templates: checked when they are saved, kept in every version, filled in for a record or with samples."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from crm import zones
from crm.db import actor_of
from crm.entity import operation, rule
from crm.errors import BadInput, Conflict, NotFound, invalid
from crm.i18n import LANGUAGES, translate
from crm.insertion import WATCHED
from crm.mail import authored, bodies, sandbox
from crm.mail.authored import Source, Written
from crm.models.contact import Contact
from crm.models.email_template import EmailTemplate
from crm.models.email_template_version import EmailTemplateVersion
from crm.models.user import User
from crm.services import email_guards, emails
from crm.services import email_variables as variables
from crm.settings import Settings

_TEXTS = ("subject", "text_body", "html_body")
_JSON = {"subject": "subject", "text_body": "textBody", "html_body": "htmlBody"}
_TEST = "[Test] %(subject)s"
WATCHED.add(EmailTemplate.__tablename__)  # its first version is written by the same flush


# ---------------------------------------------------------------------------------------------- saving


@rule(EmailTemplate)
def check(session: Session, template: EmailTemplate, changed: frozenset[str]) -> None:
    """Its texts say only what can be filled in; a change of them is a new version."""
    _fill_defaults(template)
    _check_words(template)
    if _is_changed(template, *_TEXTS, "about"):
        _check_texts(session, template)
    if _is_changed(template, *_TEXTS):
        _keep(session, template)


def _check_words(template: EmailTemplate) -> None:
    if template.language not in LANGUAGES:
        raise invalid("language", "must be one of: %(expected)s", expected=", ".join(LANGUAGES))
    if template.about not in variables.ABOUT:
        raise invalid("about", "must be one of: %(expected)s", expected=", ".join(variables.ABOUT))


def _fill_defaults(template: EmailTemplate) -> None:
    """The columns' own defaults come with the flush, which is later."""
    for name, value in {"language": "en", "about": "contact", "text_body": "", "html_body": ""}.items():
        if getattr(template, name) is None:
            setattr(template, name, value)


def _is_changed(template: EmailTemplate, *names: str) -> bool:
    state = inspect(template)
    return not state.persistent or any(state.attrs[name].history.has_changes() for name in names)


def _check_texts(session: Session, template: EmailTemplate) -> None:
    if not template.text_body.strip() and not template.html_body.strip():
        raise invalid("textBody", "is needed where there is no HTML body")
    known = variables.known(template.about)
    for name in _TEXTS:
        sandbox.check(_JSON[name], getattr(template, name), known)
    sample, empty = variables.sample(session, about=template.about, language="en"), variables.empty(template.about)
    for name in _TEXTS:
        email_guards.check(_JSON[name], getattr(template, name), sample, empty, html=name == "html_body")
    for values in (sample, empty):
        _try(template, values)


def _try(template: EmailTemplate, values: dict[str, Any]) -> None:
    """What a look at the words alone does not show, such as a comparison of text with a number."""
    for name in _TEXTS:
        try:
            sandbox.render(getattr(template, name), values, html=name == "html_body", language="en", zone="UTC")
        except BadInput as error:
            raise invalid(_JSON[name], error.template, **error.params) from None


def _keep(session: Session, template: EmailTemplate) -> None:
    template.number = (template.number or 0) + 1 if inspect(template).persistent else 1
    texts = {name: getattr(template, name) for name in _TEXTS}
    writer = actor_of(session).user_id
    session.add(EmailTemplateVersion(template=template, number=template.number, changed_by=writer, **texts))


# ---------------------------------------------------------------------------------------------- verbs


@operation(EmailTemplate, icon="history")
def restore_version(session: Session, template: EmailTemplate, *, number: int) -> None:
    """Take back the texts of an earlier version, as a new one."""
    wanted = select(EmailTemplateVersion).where(EmailTemplateVersion.template_id == template.id)
    found = session.scalar(wanted.where(EmailTemplateVersion.number == number), execution_options={"unscoped": True})
    if found is None:
        raise NotFound("%(what)s not found", what="Email template version")
    if number == template.number:
        raise Conflict("This is the present version already")
    for name in _TEXTS:
        setattr(template, name, getattr(found, name))
    _check_texts(session, template)
    _keep(session, template)


@operation(EmailTemplate, icon="send")
def send_test(session: Session, template: EmailTemplate) -> None:
    """Send it to yourself, filled in with samples."""
    mine = select(User).where(User.id == actor_of(session).user_id)
    user = session.scalar(mine, execution_options={"unscoped": True})
    if user is None or not user.email:
        raise Conflict("You have no e-mail address")
    mail = preview(session, template)
    subject = translate(user.locale, _TEST, subject=mail.subject)
    emails.queue(
        session,
        to=user.email,
        to_name=user.name,
        subject=subject,
        text=mail.text,
        html=mail.html,
        key=f"template-test:{uuid.uuid4().hex}",
        owner_id=user.id,
        record=template,
    )


# ---------------------------------------------------------------------------------------------- filling in


def preview(session: Session, template: EmailTemplate) -> Written:
    """The mail with invented values, in the template's language."""
    values = variables.sample(session, about=template.about, language=template.language)
    return authored.fill(source_of(template), values, language=template.language, zone=_zone(session))


def try_out(session: Session, source: Source, *, about: str, language: str) -> Written:
    """What such a template would say, with invented values; raises BadInput as saving it would.  Nothing is kept."""
    draft = EmailTemplate(subject=source.subject, text_body=source.text, html_body=source.html)
    draft.about, draft.language = about, language
    _check_words(draft)
    _check_texts(session, draft)
    return preview(session, draft)


def fill(
    session: Session, settings: Settings, template: EmailTemplate, *, record: Any, contact: Contact | None
) -> Written:
    """The mail for this recipient about this record; raises BadInput if it is made for another kind of record."""
    return fill_texts(session, settings, template, source_of(template), record=record, contact=contact)


def fill_texts(
    session: Session,
    settings: Settings,
    template: EmailTemplate,
    texts: Source,
    *,
    record: Any,
    contact: Contact | None,
) -> Written:
    """The same with texts that somebody changed for the occasion; they may say what the template may."""
    check_fits(template, record)
    known = variables.known(template.about)
    for name, text in zip(("subject", "text", "html"), (texts.subject, texts.text, texts.html), strict=True):
        sandbox.check(name, text, known)
    values = variables.values(session, settings, about=template.about, record=record, contact=contact)
    try:
        return authored.fill(texts, values, language=template.language, zone=_zone(session))
    except BadInput as error:
        if error.template != sandbox.UNFILLABLE:
            raise
        raise email_guards.explained(template, texts, values, error) from None


def _zone(session: Session) -> str:
    """The writer's, else the system's."""
    return zones.zone(actor_of(session).timezone).key


def check_fits(template: EmailTemplate, record: Any) -> None:
    """A template about contacts and customers fits every record; one about deals needs a deal."""
    about = template.about
    if about not in ("contact", "customer") and getattr(record, "__tablename__", None) != about:
        raise invalid("templateId", "is made for records of another kind: %(kind)s", kind=about)


def source_of(template: EmailTemplate) -> Source:
    return Source(template.subject, template.text_body, template.html_body)


def usable_for(session: Session, about: str) -> list[EmailTemplate]:
    """Active templates that fit such a record, by name and language."""
    wanted = select(EmailTemplate).where(EmailTemplate.active, EmailTemplate.about.in_({about, "contact", "customer"}))
    return list(session.scalars(wanted.order_by(EmailTemplate.name, EmailTemplate.language).limit(200)))


def in_other_languages(session: Session, template: EmailTemplate) -> list[EmailTemplate]:
    """The templates of the same code, in every language, this one's first."""
    wanted = select(EmailTemplate).where(func.lower(EmailTemplate.code) == template.code.lower())
    found = list(session.scalars(wanted.order_by(EmailTemplate.language)))
    return sorted(found, key=lambda one: one.id != template.id)


def words_of(template: EmailTemplate) -> str:
    """The HTML body as text, with its variables."""
    return bodies.to_text(template.html_body)
