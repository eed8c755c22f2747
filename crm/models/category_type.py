"""A kind of classification (industry, source, region), holding a tree of categories."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm.entity import Entity
from crm.models.base import Record, Trashable, live_unique


class CategoryType(Trashable, Record):
    """Known to programs by its code."""

    __tablename__ = "category_type"
    __table_args__ = (live_unique("uq_category_type_code", "code", message="Category type code already exists"),)
    __entity__ = Entity(
        section="Settings",
        icon="category",
        list=("name", "code", "description", "status", "created_at"),
        form=("name", "code", "description", "status"),
        filters=("code", "status", "created_at"),
        sort=("code", "created_at"),
        order="id",
        manage="manage_categories",
        open_read=True,
        api=False,
    )

    name: Mapped[str] = mapped_column(String(120), doc="Name that people read.")
    code: Mapped[str] = mapped_column(String(60), doc="Name that programs use.")
    description: Mapped[str] = mapped_column(Text, default="", doc="What is classified by it.")
    status: Mapped[bool] = mapped_column(default=True, index=True, doc="In use.")
