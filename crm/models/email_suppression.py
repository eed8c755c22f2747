"""An address that no business mail goes to any more."""

from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.entity import Entity
from crm.models.base import Record


class EmailSuppression(Record):
    """Made by the unsubscribe link of a mail, or by hand; deleting it allows mail again."""

    __tablename__ = "email_suppression"
    __table_args__ = (
        Index(
            "uq_email_suppression_address", "address", unique=True, info={"message": "Address is on the list already"}
        ),
    )
    __entity__ = Entity(
        section="Administration",
        icon="mail-off",
        label="address",
        list=("address", "reason", "created_at"),
        form=("address", "reason"),
        filters=("address", "created_at"),
        sort=("address", "created_at"),
    )

    address: Mapped[str] = mapped_column(String(254), info={"kind": "email"}, doc="E-mail address, in lower case.")
    reason: Mapped[str] = mapped_column(String(300), default="", doc="Why: unsubscribed, bounced, asked by telephone.")
