"""A team of users; teams form a tree, and who belongs to a team reaches the teams below it."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.entity import Entity
from crm.models.base import Record, Trashable, live_unique


class Team(Trashable, Record):
    """An office, a region, a group of sales people."""

    __tablename__ = "team"
    __table_args__ = (live_unique("uq_team_name", "name", message="Team name already exists"),)
    __entity__ = Entity(
        section="Administration",
        icon="users-group",
        list=("name", "parent_id", "lead_id", "created_at"),
        form=("name", "parent_id", "lead_id", "members"),
        filters=("name", "parent_id", "lead_id", "created_at"),
        sort=("name", "created_at"),
        order="name",
    )

    name: Mapped[str] = mapped_column(String(120), doc="Name of the team.")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"), index=True, doc="Team above it.")
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True, doc="User who leads it.")

    parent: Mapped[Team | None] = relationship(remote_side="Team.id", foreign_keys=[parent_id])
    lead: Mapped[User | None] = relationship("User", foreign_keys=[lead_id])  # type: ignore[name-defined]  # noqa: F821
    members: Mapped[list[User]] = relationship(  # type: ignore[name-defined]  # noqa: F821
        "User", secondary="user_team", back_populates="teams", order_by="User.id"
    )
