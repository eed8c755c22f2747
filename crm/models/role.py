"""A bundle of permissions, each with the reach it is granted with."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.actor import Scope
from crm.columns import choice
from crm.entity import Entity
from crm.models.base import Base, Record, Trashable, live_unique
from crm.models.permission import Permission


class RolePermission(Base):
    """One grant: a role has a permission with a scope."""

    __tablename__ = "role_permission"
    __table_args__ = (UniqueConstraint("role_id", "permission_id"),)

    role_id: Mapped[int] = mapped_column(ForeignKey("role.id", ondelete="CASCADE"))
    permission_id: Mapped[int] = mapped_column(ForeignKey("permission.id", ondelete="CASCADE"), index=True)
    scope: Mapped[Scope] = mapped_column(choice(Scope), default=Scope.ALL, doc="How far the permission reaches.")
    permission: Mapped[Permission] = relationship()


class Role(Trashable, Record):
    """`admin` has everything, whatever is granted to it; the other roles what their grants say."""

    __tablename__ = "role"
    __table_args__ = (live_unique("uq_role_name", "name", message="Role name already exists"),)
    __entity__ = Entity(
        section="Administration",
        icon="shield",
        list=("name", "description", "created_at"),
        form=("name", "description"),
        filters=("name", "created_at"),
        sort=("name", "created_at"),
        order="id",
        manage="manage_roles",
    )

    name: Mapped[str] = mapped_column(String(80), doc="Name of the role.")
    description: Mapped[str] = mapped_column(Text, default="", doc="What people with this role do.")

    grants: Mapped[list[RolePermission]] = relationship(
        cascade="all, delete-orphan", order_by=RolePermission.permission_id
    )
