"""A coloured word that can be put on contacts, customers and opportunities."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from crm.entity import Entity
from crm.models.base import Base, Record, Trashable, live_unique


def tag_link(table: str) -> Table:
    """The link table between tags and the rows of `table`."""
    return Table(
        f"{table}_tag",
        Base.metadata,
        Column(f"{table}_id", ForeignKey(f"{table}.id", ondelete="CASCADE"), primary_key=True),
        Column("tag_id", ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, index=True),
    )


class Tag(Trashable, Record):
    """Shared by everyone."""

    __tablename__ = "tag"
    __table_args__ = (live_unique("uq_tag_name", "name", message="Tag name already exists"),)
    __entity__ = Entity(
        section="Settings",
        icon="tag",
        list=("name", "colour", "created_at"),
        form=("name", "colour"),
        filters=("name", "created_at"),
        sort=("name", "created_at"),
        order="name",
    )

    name: Mapped[str] = mapped_column(String(60), doc="The word.")
    colour: Mapped[str] = mapped_column(String(16), default="grey", doc="Colour it is shown in, by name or #rrggbb.")
