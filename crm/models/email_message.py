"""One mail to one recipient, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, ForeignKey, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import Key, choice
from crm.entity import Entity
from crm.models.attachment import Attachment
from crm.models.base import Base, Linked, Record
from crm.models.contact import Contact
from crm.models.email_template import EmailTemplate
from crm.models.interaction import Interaction
from crm.models.user import User


class EmailState(StrEnum):
    """`captured`: no mail server is set, the panel's inbox has it; `uncertain`: the server never answered."""

    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    CANCELLED = "cancelled"
    CAPTURED = "captured"


class EmailPurpose(StrEnum):
    """Whom it goes to, and so what it must honour."""

    SYSTEM = "system"
    BUSINESS = "business"


email_message_attachment = Table(
    "email_message_attachment",
    Base.metadata,
    Column("email_message_id", ForeignKey("email_message.id", ondelete="CASCADE"), primary_key=True),
    Column("attachment_id", ForeignKey("attachment.id"), primary_key=True, index=True),
)


class EmailMessage(Linked, Record):
    """Written in the transaction that wants it sent; a job sends it."""

    __tablename__ = "email_message"
    __entity__ = Entity(
        section="Mail",
        icon="mail",
        label="subject",
        list=("subject", "to_address", "state", "attempts", "smtp_reply", "sent_at", "created_at"),
        filters=(
            *("state", "purpose", "to_address", "contact_id", "template_id", "interaction_id", "owner_id"),
            *("copy_of_id", "record_type", "record_id", "sent_at", "created_at"),
        ),
        sort=("sent_at", "created_at"),
        owner="owner_id",
        verbs=(),
        audit=False,
    )

    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True, doc="User who asked for it.")
    job_id: Mapped[int | None] = mapped_column(Key, unique=True, doc="Job that sends it.")
    key: Mapped[str] = mapped_column(String(160), unique=True, doc="Keeps it from being written twice.")
    message_id: Mapped[str] = mapped_column(String(200), unique=True, doc="Message-ID header, the same at each try.")
    to_address: Mapped[str] = mapped_column(String(254), index=True, doc="Recipient.")
    to_name: Mapped[str] = mapped_column(String(120), default="", doc="Name of the recipient.")
    cc: Mapped[str] = mapped_column(String(500), default="", doc="Shown as copied; each copy is a message of its own.")
    copy_of_id: Mapped[int | None] = mapped_column(Key, index=True, doc="Mail this is a copy of.")
    subject: Mapped[str] = mapped_column(String(300), doc="Subject.")
    text_body: Mapped[str] = mapped_column(Text, default="", doc="Body as text.")
    html_body: Mapped[str] = mapped_column(Text, default="", doc="Body as HTML.")
    purpose: Mapped[EmailPurpose] = mapped_column(
        choice(EmailPurpose), default=EmailPurpose.SYSTEM, index=True, doc="To colleagues (system), or to customers."
    )
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True, doc="Person it goes to.")
    template_id: Mapped[int | None] = mapped_column(
        ForeignKey("email_template.id"), index=True, doc="Template it was made from."
    )
    template_number: Mapped[int | None] = mapped_column(doc="Version of the template.")
    interaction_id: Mapped[int | None] = mapped_column(
        ForeignKey("interaction.id"), index=True, doc="Entry of the timeline it became."
    )
    state: Mapped[EmailState] = mapped_column(
        choice(EmailState), default=EmailState.READY, index=True, doc="What became of it."
    )
    attempts: Mapped[int] = mapped_column(default=0, doc="How often a server was tried.")
    smtp_code: Mapped[int | None] = mapped_column(doc="Last answer of the server, its code.")
    smtp_reply: Mapped[str] = mapped_column(String(500), default="", doc="Last answer of the server, its text.")
    sending_at: Mapped[datetime | None] = mapped_column(doc="When its body was handed over.")
    sent_at: Mapped[datetime | None] = mapped_column(index=True, doc="When the server took it.")

    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
    contact: Mapped[Contact | None] = relationship(foreign_keys=[contact_id])
    template: Mapped[EmailTemplate | None] = relationship(foreign_keys=[template_id])
    interaction: Mapped[Interaction | None] = relationship(foreign_keys=[interaction_id])
    attachments: Mapped[list[Attachment]] = relationship(secondary=email_message_attachment, order_by=Attachment.id)
