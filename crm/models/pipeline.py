"""A way of selling: an ordered row of stages."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.entity import Entity
from crm.models.base import Record, Trashable, live_unique


class Pipeline(Trashable, Record):
    """New business, renewals and partners may each have their own."""

    __tablename__ = "pipeline"
    __table_args__ = (live_unique("uq_pipeline_name", "name", message="Pipeline name already exists"),)
    __entity__ = Entity(
        section="Settings",
        icon="git-branch",
        list=("name", "description", "is_default", "created_at"),
        form=("name", "description", "is_default"),
        filters=("name", "created_at"),
        sort=("name", "created_at"),
        order="id",
    )

    name: Mapped[str] = mapped_column(String(120), doc="Name of the pipeline.")
    description: Mapped[str] = mapped_column(String(1000), default="", doc="What is sold this way.")
    is_default: Mapped[bool] = mapped_column(default=False, doc="New opportunities start here.")

    stages: Mapped[list[Stage]] = relationship(  # type: ignore[name-defined]  # noqa: F821
        "Stage", order_by="Stage.position", back_populates="pipeline"
    )
