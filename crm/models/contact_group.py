"""A static group of contacts: guests of an event, readers of a newsletter."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from crm.entity import Entity
from crm.models.base import Base, Record, Trashable, live_unique

contact_group_member = Table(
    "contact_group_member",
    Base.metadata,
    Column("contact_id", ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True),
    Column("contact_group_id", ForeignKey("contact_group.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class ContactGroup(Trashable, Record):
    """Shared by everyone; its members are kept on the contacts."""

    __tablename__ = "contact_group"
    __table_args__ = (live_unique("uq_contact_group_name", "name", message="Group name already exists"),)
    __entity__ = Entity(
        section="Sales",
        icon="users-plus",
        list=("name", "description", "created_at"),
        form=("name", "description"),
        filters=("name", "created_at"),
        sort=("name", "created_at"),
        order="name",
    )

    name: Mapped[str] = mapped_column(String(120), doc="Name of the group.")
    description: Mapped[str] = mapped_column(String(1000), default="", doc="Who belongs to it, and why.")
