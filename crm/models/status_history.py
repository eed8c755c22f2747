"""How the relation with a customer went: each status, with the reason and how long it lasted."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import choice
from crm.entity import Entity
from crm.models.base import Stamped
from crm.models.customer import Customer, CustomerStatus
from crm.models.user import User


class StatusHistory(Stamped):
    """Append-only; written by the flush that changes the status."""

    __tablename__ = "status_history"
    __entity__ = Entity(
        section="Sales",
        icon="history",
        label="after",
        list=("customer_id", "before", "after", "reason", "changed_by", "created_at"),
        filters=("customer_id", "after", "created_at"),
        sort=("created_at",),
        through="customer",
        verbs=(),
        audit=False,
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True, doc="The customer.")
    before: Mapped[CustomerStatus | None] = mapped_column(choice(CustomerStatus), doc="Status it left.")
    after: Mapped[CustomerStatus] = mapped_column(choice(CustomerStatus), index=True, doc="Status it entered.")
    reason: Mapped[str] = mapped_column(String(300), default="", doc="Why.")
    seconds_in_status: Mapped[int | None] = mapped_column(BigInteger, doc="Seconds spent in the status it left.")
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"), doc="Who changed it; empty: the system.")

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])
    author: Mapped[User | None] = relationship(foreign_keys=[changed_by])
