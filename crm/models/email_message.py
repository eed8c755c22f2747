"""One mail to one recipient, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import Key, choice
from crm.entity import Entity
from crm.models.base import Linked, Record
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


class EmailMessage(Linked, Record):
    """Written in the transaction that wants it sent; a job sends it."""

    __tablename__ = "email_message"
    __entity__ = Entity(
        section="Mail",
        icon="mail",
        label="subject",
        list=("subject", "to_address", "state", "attempts", "sent_at", "created_at"),
        filters=("state", "to_address", "owner_id", "sent_at", "created_at"),
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
    subject: Mapped[str] = mapped_column(String(300), doc="Subject.")
    text_body: Mapped[str] = mapped_column(Text, default="", doc="Body as text.")
    html_body: Mapped[str] = mapped_column(Text, default="", doc="Body as HTML.")
    state: Mapped[EmailState] = mapped_column(
        choice(EmailState), default=EmailState.READY, index=True, doc="What became of it."
    )
    attempts: Mapped[int] = mapped_column(default=0, doc="How often a server was tried.")
    smtp_code: Mapped[int | None] = mapped_column(doc="Last answer of the server, its code.")
    smtp_reply: Mapped[str] = mapped_column(String(500), default="", doc="Last answer of the server, its text.")
    sending_at: Mapped[datetime | None] = mapped_column(doc="When its body was handed over.")
    sent_at: Mapped[datetime | None] = mapped_column(index=True, doc="When the server took it.")

    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
