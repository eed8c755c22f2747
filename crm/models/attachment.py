"""A file that hangs on a record; its bytes lie in the upload folder, under the name of their content."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from crm.columns import choice
from crm.entity import RECORD, Entity
from crm.models.base import Linked, Record, Searchable, Trashable
from crm.models.owned import Owned


class PreviewState(StrEnum):
    """Whether there is something to look at without opening the file."""

    NONE = "none"
    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


class Attachment(Linked, Owned, Trashable, Searchable, Record):
    """Two attachments with the same bytes share one file on disk."""

    __tablename__ = "attachment"
    # how much a user has uploaded is asked before every upload
    __table_args__ = (Index("ix_attachment_uploader", "created_by", "size"),)
    __entity__ = Entity(
        section="Sales",
        icon="paperclip",
        list=("name", "media_type", "size", "record_type", "record_id", "owner_id", "created_at"),
        form=("name", "description", "owner_id", "team_id"),
        search=("name", "description"),
        filters=(
            *("name", "media_type", "record_type", "record_id", "sha256", "owner_id", "team_id"),
            *("created_at", "updated_at"),
        ),
        sort=("name", "size", "created_at", "updated_at"),
        owner="owner_id",
        through=RECORD,
        secret=("preview_sha256", "preview_text"),
    )

    name: Mapped[str] = mapped_column(String(200), index=True, doc="Name of the file.")
    description: Mapped[str] = mapped_column(String(1000), default="", doc="What it is.")
    sha256: Mapped[str] = mapped_column(String(64), index=True, doc="SHA-256 of its bytes, in hexadecimal.")
    media_type: Mapped[str] = mapped_column(String(120), index=True, doc="Media type, as its bytes tell.")
    size: Mapped[int] = mapped_column(BigInteger, index=True, doc="Size in bytes.", info={"title": "File size"})
    preview_state: Mapped[PreviewState] = mapped_column(
        choice(PreviewState), default=PreviewState.NONE, doc="Whether there is a preview."
    )
    preview_sha256: Mapped[str | None] = mapped_column(String(64), index=True, doc="SHA-256 of the preview picture.")
    preview_text: Mapped[str] = mapped_column(Text, default="", doc="Beginning of the text in the file.")
