"""One node in the tree of a category type, at any depth."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.entity import Entity
from crm.models.base import Record, Trashable, live_unique
from crm.models.category_type import CategoryType

#: compared byte by byte on both databases, so that one index range is one subtree
Path = String(1000).with_variant(String(1000, collation="C"), "postgresql")


class Category(Trashable, Record):
    """`path` is /1/4/9/: the numbers from the root down to the node itself."""

    __tablename__ = "category"
    __table_args__ = (
        live_unique(
            "uq_category_type_id_code", "type_id", "code", message="Category code already exists under the same type"
        ),
        Index("ix_category_path", "path"),
    )
    __entity__ = Entity(
        section="Settings",
        icon="sitemap",
        list=("name", "code", "type_id", "parent_id", "sort", "created_at"),
        form=("name", "code", "type_id", "parent_id", "sort", "description"),
        filters=("code", "type_id", "parent_id", "created_at"),
        sort=("sort", "created_at"),
        order="sort",
        manage="manage_categories",
        open_read=True,
        api=False,
    )

    name: Mapped[str] = mapped_column(String(120), doc="Name that people read.")
    code: Mapped[str] = mapped_column(String(60), index=True, doc="Name that programs use; unique within the type.")
    type_id: Mapped[int] = mapped_column(ForeignKey("category_type.id"), index=True, doc="Classification.")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"), index=True, doc="Node above it.")
    sort: Mapped[int] = mapped_column(default=0, index=True, doc="Place among its siblings, smallest first.")
    description: Mapped[str] = mapped_column(Text, default="", doc="What belongs here.")
    path: Mapped[str] = mapped_column(Path, default="", doc="Numbers from the root down to this node.")

    type: Mapped[CategoryType] = relationship(foreign_keys=[type_id])
    parent: Mapped[Category | None] = relationship(remote_side="Category.id", foreign_keys=[parent_id])
