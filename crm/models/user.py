"""A person who signs in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, String, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.columns import now
from crm.entity import Entity
from crm.models.base import Base, Record, Searchable, Trashable, live_unique
from crm.models.role import Role
from crm.models.team import Team

user_role = Table(
    "user_role",
    Base.metadata,
    Column("user_id", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("role.id", ondelete="CASCADE"), primary_key=True, index=True),
)
user_team = Table(
    "user_team",
    Base.metadata,
    Column("user_id", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Column("team_id", ForeignKey("team.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class User(Trashable, Searchable, Record):
    """Rights come from the roles, reach from the teams; `access_version` grows whenever either changes."""

    __tablename__ = "user"
    __table_args__ = (
        live_unique("uq_user_username", "lower(username)", message="Username already exists"),
        live_unique("uq_user_email", "lower(email)", message="Email already exists"),
        Index("ix_user_username", "username"),
        Index("ix_user_email", "email"),
    )
    __entity__ = Entity(
        section="Administration",
        icon="user-cog",
        label="username",
        list=("username", "name", "email", "status", "roles", "teams", "created_at"),
        form=("username", "email", "name", "status", "roles", "teams", "manager_id", "locale", "timezone"),
        search=("username", "name", "email"),
        filters=("status", "username", "email", "created_at"),
        sort=("username", "email", "created_at"),
        order="id",
        owner="id",
        secret=("password_hash", "access_version", "tokens_from"),
        api=False,
    )

    username: Mapped[str] = mapped_column(String(80), doc="Name to sign in with.")
    email: Mapped[str] = mapped_column(String(254), doc="E-mail address; also signs in.")
    name: Mapped[str] = mapped_column(String(120), default="", doc="Name that colleagues see.")
    password_hash: Mapped[str] = mapped_column(String(200), default="", doc="bcrypt hash; empty: cannot sign in.")
    status: Mapped[bool] = mapped_column(default=True, index=True, doc="May sign in.")
    locale: Mapped[str] = mapped_column(String(8), default="en", doc="Language: en or zh.")
    timezone: Mapped[str] = mapped_column(String(64), default="", doc="Time zone; empty: the system's.")
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True, doc="Who this person reports to.")
    access_version: Mapped[int] = mapped_column(default=1, doc="Grows when rights change.")
    tokens_from: Mapped[datetime] = mapped_column(default=now, doc="Tokens issued before this are void.")
    last_login_at: Mapped[datetime | None] = mapped_column(doc="Last successful sign-in.")

    manager: Mapped[User | None] = relationship(remote_side="User.id", foreign_keys=[manager_id])
    roles: Mapped[list[Role]] = relationship(secondary=user_role, order_by=Role.id)
    teams: Mapped[list[Team]] = relationship(secondary=user_team, order_by=Team.id, back_populates="members")
