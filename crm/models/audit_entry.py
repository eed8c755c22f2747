"""Who changed what: one row per changed record, written in the same transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.columns import Document, Key
from crm.entity import Entity
from crm.models.base import Stamped


class AuditEntry(Stamped):
    """`changes` maps a field to [before, after]; secrets are masked; rows are never changed or deleted."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_record", "entity", "record_id", "id"),)
    __entity__ = Entity(
        section="Administration",
        icon="file-search",
        label="action",
        list=("created_at", "actor_name", "action", "entity", "record_id", "changes", "request_id"),
        filters=("entity", "record_id", "action", "actor_id", "request_id", "created_at"),
        sort=("created_at",),
        verbs=(),
        audit=False,
    )

    actor_id: Mapped[int | None] = mapped_column(Key, index=True, doc="User who did it; empty: the system.")
    actor_name: Mapped[str] = mapped_column(String(120), default="", doc="Name of the user or process.")
    action: Mapped[str] = mapped_column(String(40), index=True, doc="create, update, delete, restore, or a verb.")
    entity: Mapped[str] = mapped_column(String(40), doc="Kind of the record.")
    record_id: Mapped[int] = mapped_column(Key, index=True, doc="Number of the record.")
    changes: Mapped[dict[str, Any]] = mapped_column(Document, default=dict, doc="Field: [before, after].")
    request_id: Mapped[str] = mapped_column(String(64), default="", index=True, doc="Request it happened in.")
