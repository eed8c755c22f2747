"""`POST /api/emails` writes mail to customers; `POST /api/email-templates/{id}/preview` shows what one would say."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy.orm import Session

from crm import access
from crm.api.call import Call
from crm.api.envelope import Answer, success
from crm.api.json_schema import TEXT, many, record
from crm.api.openapi_records import ONCE, ref
from crm.api.routing import Endpoint, Method
from crm.api.written import record_data
from crm.entity import permission, title_of, titles_of
from crm.errors import invalid
from crm.mail import sandbox
from crm.mail.authored import Source
from crm.models.contact import Contact
from crm.models.email_message import EmailMessage
from crm.models.email_template import EmailTemplate
from crm.schemas import LARGEST_KEY, Input, Storable
from crm.services import email_composing, email_copies, email_recipients, email_templates, email_variables
from crm.services.email_composing import Draft

Key = Annotated[int, Field(ge=1, le=LARGEST_KEY)]
Keys = Annotated[list[Key], Field(max_length=email_recipients.MOST)]
Address = Annotated[str, Storable, Field(max_length=254)]
Addresses = Annotated[list[Address], Field(max_length=email_recipients.MOST)]
Copied = Annotated[list[Address], Field(max_length=email_copies.MOST)]
Line = Annotated[str, Storable, Field(max_length=300)]
Body = Annotated[str, Storable, Field(max_length=100_000)]


class Mail(Input):
    """To whom, about what, and either a template or the texts themselves."""

    record_type: Annotated[
        str,
        Storable,
        Field(alias="recordType", max_length=32, description=f"One of {', '.join(email_composing.ABOUT)}."),
    ]
    record_id: Annotated[Key, Field(alias="recordId", description="Number of that record.")]
    contact_ids: Annotated[Keys, Field(alias="contactIds", description="Each gets a message of their own.")] = []
    to: Annotated[Addresses, Field(description="Addresses of people who are no contacts.")] = []
    cc: Annotated[Copied, Field(description="Addresses that get a copy; of a mail to one recipient only.")] = []
    template_id: Annotated[Key | None, Field(alias="templateId", description="Instead of the texts.")] = None
    subject: Annotated[Line, Field(description="Subject.")] = ""
    text: Annotated[Body, Field(description="Body as text; made from the HTML if left out.")] = ""
    html: Annotated[Body, Field(description="Body as HTML; made from the text if left out.")] = ""
    attachment_ids: Annotated[Keys, Field(alias="attachmentIds", description="Files to send along.")] = []


class Preview(Input):
    """About which record and for whom; invented values without."""

    record_type: Annotated[str, Storable, Field(alias="recordType", max_length=32)] = ""
    record_id: Annotated[Key | None, Field(alias="recordId")] = None
    contact_id: Annotated[Key | None, Field(alias="contactId")] = None


def routes() -> list[Endpoint]:
    written = Method(
        write,
        permission(EmailMessage, "create") or "",
        "Write mail to customers: one message a recipient.",
        body=Mail,
        parameters=(ONCE,),
        data=record(list=many(ref(EmailMessage.__name__))),
        errors=(400, 404, 409, 413, 415),
        tag=titles_of(EmailMessage),
        operation_id="createEmailMessages",
    )
    shown = Method(
        preview,
        permission(EmailTemplate, "view") or "",
        "Show what a template says, with invented values or of a record.",
        body=Preview,
        body_required=False,
        data=record(subject=TEXT, text=TEXT, html=TEXT, variables=many(TEXT)),
        errors=(400, 404, 413, 415),
        tag=titles_of(EmailTemplate),
        operation_id="previewEmailTemplate",
    )
    return [Endpoint("/emails", {"POST": written}), Endpoint("/email-templates/{id}/preview", {"POST": shown})]


async def write(call: Call) -> Answer:
    sent, settings = await call.data(), call.context.settings

    def work(session: Session) -> Answer:
        messages = email_composing.send(session, settings, _draft(session, sent))
        listed = [record_data(session, message, new=True) for message in messages]
        return success({"list": listed}, f"{title_of(EmailMessage)} created successfully")

    return await call.write(work)


def _draft(session: Session, sent: dict[str, Any]) -> Draft:
    about = email_composing.find_record(session, sent["record_type"], sent["record_id"])
    key = sent.get("template_id")
    texts = Source(sent.get("subject", ""), sent.get("text", ""), sent.get("html", ""))
    has_texts = any((texts.subject, texts.text, texts.html))
    if key is not None and has_texts:
        raise invalid("templateId", "goes not together with subject, text and html")
    people = email_recipients.find(session, sent.get("contact_ids", []), sent.get("to", []))
    return Draft(
        about,
        people,
        email_composing.find_template(session, key, about) if key is not None else None,
        texts if key is None else None,
        files=email_composing.find_files(session, sent.get("attachment_ids", [])),
        copies=email_copies.recipients(session, sent.get("cc", []), people),
    )


async def preview(call: Call) -> Answer:
    key, settings = call.number("id", title_of(EmailTemplate)), call.context.settings
    sent = await call.data() if await call.body() else {}

    def work(session: Session) -> Answer:
        template = access.find(session, EmailTemplate, key)
        if sent.get("record_id") is None:
            mail = email_templates.preview(session, template)
        else:
            about = email_composing.find_record(session, sent.get("record_type", ""), sent["record_id"])
            person = sent.get("contact_id") and access.find(session, Contact, sent["contact_id"])
            mail = email_templates.fill(session, settings, template, record=about, contact=person or None)
        names = sandbox.names_of(email_variables.known(template.about))
        return success({"subject": mail.subject, "text": mail.text, "html": mail.html, "variables": names})

    return await call.read(work)
