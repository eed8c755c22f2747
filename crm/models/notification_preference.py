"""Which news a user wants, and how."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import filled_by_rule
from crm.entity import Entity
from crm.models.base import Record
from crm.models.user import User


class NotificationPreference(Record):
    """One row per user and kind; without a row the kind's default holds."""

    __tablename__ = "notification_preference"
    __table_args__ = (
        Index(
            "uq_notification_preference_user_id_kind",
            *("user_id", "kind"),
            unique=True,
            info={"message": "There is a preference for this kind already"},
        ),
    )
    __entity__ = Entity(
        section="Administration",
        icon="bell-cog",
        label="kind",
        list=("kind", "in_app", "by_mail", "user_id"),
        form=("kind", "in_app", "by_mail", "user_id"),
        filters=("kind", "user_id", "created_at"),
        sort=("kind", "created_at"),
        order="kind",
        owner="user_id",
    )

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user.id"), default=filled_by_rule, index=True, doc="Whose; yours if left out."
    )
    kind: Mapped[str] = mapped_column(String(40), index=True, doc="What the news is about: assigned, mentioned, …")
    in_app: Mapped[bool] = mapped_column(default=True, doc="Shown in the panel.")
    by_mail: Mapped[bool] = mapped_column(default=False, doc="Sent by mail.")

    user: Mapped[User] = relationship(foreign_keys=[user_id])
