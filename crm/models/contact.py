"""A person at a customer, or one we know on their own."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import choice
from crm.entity import Entity
from crm.models.base import Record, Searchable, Trashable
from crm.models.contact_group import ContactGroup, contact_group_member
from crm.models.customer import Customer
from crm.models.owned import Owned
from crm.models.tag import Tag, tag_link

contact_tag = tag_link("contact")


class CustomerRole(StrEnum):
    """What the person has to say at the customer."""

    DECISION_MAKER = "decision_maker"
    INFLUENCER = "influencer"
    TECHNICAL = "technical"
    PURCHASING = "purchasing"
    LEGAL = "legal"
    USER = "user"
    OTHER = "other"


class Contact(Owned, Trashable, Searchable, Record):
    """Found by every word that is written of them, in Chinese and English."""

    __tablename__ = "contact"
    __table_args__ = (Index("ix_contact_name", "name"),)
    __entity__ = Entity(
        section="Sales",
        icon="address-book",
        list=("name", "job_title", "customer_id", "customer_role", "email", "mobile", "owner_id", "created_at"),
        form=(
            *("name", "job_title", "department", "customer_id", "customer_role", "email", "phone", "mobile"),
            *("wechat", "birthday", "preferred_language", "do_not_contact", "groups", "tags", "notes"),
            *("owner_id", "team_id"),
        ),
        search=("name", "email", "phone", "mobile", "wechat", "job_title", "department", "notes", "customer_id"),
        filters=(
            *("customer_id", "email", "name", "do_not_contact", "groups", "tags", "owner_id", "team_id"),
            *("created_at", "updated_at"),
        ),
        sort=("name", "email", "created_at", "updated_at"),
        owner="owner_id",
    )

    name: Mapped[str] = mapped_column(String(120), doc="Full name.")
    job_title: Mapped[str] = mapped_column(String(120), default="", doc="Position.")
    department: Mapped[str] = mapped_column(String(120), default="", doc="Department.")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True, doc="Company.")
    customer_role: Mapped[CustomerRole | None] = mapped_column(choice(CustomerRole), doc="Role at the company.")
    email: Mapped[str] = mapped_column(String(254), default="", index=True, doc="E-mail address.")
    phone: Mapped[str] = mapped_column(String(40), default="", doc="Telephone at work.")
    mobile: Mapped[str] = mapped_column(String(40), default="", doc="Mobile telephone.")
    wechat: Mapped[str] = mapped_column(String(60), default="", doc="WeChat name.")
    birthday: Mapped[date | None] = mapped_column(doc="Day of birth.")
    preferred_language: Mapped[str] = mapped_column(String(8), default="", doc="Language to write in: en or zh.")
    do_not_contact: Mapped[bool] = mapped_column(default=False, index=True, doc="Wants no mail and no calls.")
    notes: Mapped[str] = mapped_column(String(4000), default="", doc="What is worth knowing.")

    customer: Mapped[Customer | None] = relationship(foreign_keys=[customer_id])
    groups: Mapped[list[ContactGroup]] = relationship(secondary=contact_group_member, order_by=ContactGroup.id)
    tags: Mapped[list[Tag]] = relationship(secondary=contact_tag, order_by=Tag.id)
