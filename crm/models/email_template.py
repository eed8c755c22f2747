"""A mail written once and sent often."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm.entity import Entity
from crm.models.base import Record, Trashable, live_unique


class EmailTemplate(Trashable, Record):
    """One row per name and language; each change of the text is kept as a version."""

    __tablename__ = "email_template"
    __table_args__ = (
        live_unique(
            "uq_email_template_code_language",
            "code",
            "language",
            message="The template exists in this language already",
        ),
    )
    __entity__ = Entity(
        section="Settings",
        icon="template",
        list=("name", "code", "language", "subject", "about", "active", "number", "updated_at"),
        form=("name", "code", "language", "about", "subject", "text_body", "html_body", "active"),
        filters=("name", "code", "language", "about", "active", "created_at", "updated_at"),
        sort=("name", "code", "created_at", "updated_at"),
        order="name",
    )

    name: Mapped[str] = mapped_column(String(120), index=True, doc="What people call it.")
    code: Mapped[str] = mapped_column(String(60), index=True, doc="What programs call it; one per language.")
    language: Mapped[str] = mapped_column(String(8), default="en", index=True, doc="Language: en or zh.")
    about: Mapped[str] = mapped_column(
        String(32), default="contact", index=True, doc="Kind of record whose fields it may use."
    )
    subject: Mapped[str] = mapped_column(String(300), doc="Subject, with {{ variables }}.")
    text_body: Mapped[str] = mapped_column(Text, default="", doc="Body as text; made from the HTML if left out.")
    html_body: Mapped[str] = mapped_column(Text, default="", doc="Body as HTML; made from the text if left out.")
    active: Mapped[bool] = mapped_column(default=True, index=True, doc="May be chosen.")
    number: Mapped[int] = mapped_column(default=1, doc="Number of its present version.")
