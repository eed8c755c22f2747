"""A right that a role may grant; the rows follow from the registry, nobody types them."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from crm.entity import Entity
from crm.models.base import Stamped


class Permission(Stamped):
    """`view_contacts` is the action `view` on the resource `contacts`."""

    __tablename__ = "permission"
    __entity__ = Entity(
        section="Administration",
        icon="key",
        list=("name", "action", "resource", "description"),
        filters=("name", "action", "resource"),
        sort=("name", "action", "resource"),
        order="name",
        verbs=(),
        manage="manage_roles",
        audit=False,
    )

    name: Mapped[str] = mapped_column(String(80), unique=True, index=True, doc="Name, such as view_contacts.")
    action: Mapped[str] = mapped_column(String(40), index=True, doc="What it allows.")
    resource: Mapped[str] = mapped_column(String(60), index=True, doc="On what.")
    description: Mapped[str] = mapped_column(String(200), default="", doc="In words.")
