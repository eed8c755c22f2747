"""What a mail template said before it was changed."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.entity import Entity
from crm.models.base import Stamped
from crm.models.email_template import EmailTemplate
from crm.models.user import User


class EmailTemplateVersion(Stamped):
    """Append-only; the newest is what the template says now."""

    __tablename__ = "email_template_version"
    __table_args__ = (UniqueConstraint("template_id", "number"),)
    __entity__ = Entity(
        section="Settings",
        icon="versions",
        label="subject",
        list=("subject", "template_id", "number", "changed_by", "created_at"),
        filters=("template_id", "created_at"),
        sort=("created_at",),
        verbs=(),
        audit=False,
    )

    template_id: Mapped[int] = mapped_column(ForeignKey("email_template.id"), index=True, doc="The template.")
    number: Mapped[int] = mapped_column(doc="1, 2, 3 …")
    subject: Mapped[str] = mapped_column(String(300), doc="Subject.")
    text_body: Mapped[str] = mapped_column(Text, default="", doc="Body as text.")
    html_body: Mapped[str] = mapped_column(Text, default="", doc="Body as HTML.")
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"), doc="Who wrote it; empty: the system.")

    template: Mapped[EmailTemplate] = relationship(foreign_keys=[template_id])
    author: Mapped[User | None] = relationship(foreign_keys=[changed_by])
