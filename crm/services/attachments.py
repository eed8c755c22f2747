"""Files on records: who may put them there, how much, and what they may be renamed to.

The bytes are stored first (`crm.files.storage`), so that no row ever speaks of a file that is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from crm import access, schemas
from crm.db import actor_of
from crm.entity import REGISTRY, permission, rule
from crm.errors import TooLarge, invalid
from crm.files import kinds, names
from crm.files.uploads import Upload
from crm.jobs import enqueue
from crm.models.attachment import Attachment, PreviewState
from crm.models.user import User
from crm.services import records

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """The record a file is to hang on; both None for a file of its uploader alone."""

    record_type: str | None = None
    record_id: int | None = None


def place_of(record_type: str, record_id: str) -> Place:
    """From the texts of a form; BadInput where they name no record."""
    if not record_type and not record_id:
        return Place()
    if not record_type:
        raise invalid("recordType", "is needed as well: the kind of the linked record")
    if not record_id:
        raise invalid("recordId", "is needed as well: the linked record itself")
    if not (record_id.isascii() and record_id.isdigit()) or not 0 < int(record_id[:20]) < 2**63:
        raise invalid("recordId", "must be a number")
    return Place(record_type, int(record_id))


def check_place(session: Session, place: Place) -> None:
    """Only what the uploader sees and may change takes their files; else BadInput, NotFound or Forbidden."""
    access.require(actor_of(session), permission(Attachment, "create"))
    if place.record_type is None or place.record_id is None:
        return
    model = REGISTRY.get(place.record_type)
    if model is None or model not in access.linkable(Attachment):
        known = ", ".join(target.__tablename__ for target in access.linkable(Attachment))
        raise invalid("recordType", "must be one of: %(expected)s", expected=known)
    access.require(actor_of(session), permission(model, "view"))
    access.require_for(session, access.find(session, model, place.record_id), "update")


def check_quota(session: Session, size: int, *, quota_mb: int) -> None:
    """TooLarge if `size` more bytes are too many for the actor; what lies in the trash counts, as it takes room."""
    mine = actor_of(session).user_id
    if mine is None:
        return
    used = select(func.coalesce(func.sum(Attachment.size), 0)).where(Attachment.created_by == mine)
    taken = int(session.scalar(used, execution_options={"unscoped": True, "trash": "any"}) or 0)
    if taken + size > quota_mb * _MIB:
        raise TooLarge("Your files may take up %(quota)s MiB in all; delete some for good first", quota=quota_mb)


def check(session: Session, upload: Upload, place: Place, description: str, quota_mb: int) -> None:
    """What `create` would refuse, before the bytes are stored."""
    _values(upload, description)
    check_place(session, place)
    check_quota(session, upload.size, quota_mb=quota_mb)


def create(session: Session, upload: Upload, place: Place, description: str, quota_mb: int) -> Attachment:
    """A stored file as a record; asks for its preview."""
    _one_at_a_time(session)
    check(session, upload, place, description, quota_mb)
    return keep(session, upload, place, description)


def _one_at_a_time(session: Session) -> None:
    """Two uploads of one user at once could both find room for themselves, and exceed the quota together."""
    held = select(User.id).where(User.id == actor_of(session).user_id).with_for_update(key_share=True)
    session.execute(held, execution_options={"unscoped": True})


def keep(session: Session, upload: Upload, place: Place, description: str = "") -> Attachment:
    """`create` without regard to quota and place, for files the system makes itself."""
    previewed = kinds.preview_of(upload.media_type) is not None
    hidden = {
        "sha256": upload.sha256,
        "media_type": upload.media_type,
        "size": upload.size,
        "record_type": place.record_type,
        "record_id": place.record_id,
        "preview_state": PreviewState.WAITING if previewed else PreviewState.NONE,
    }
    made: Attachment = records.create(session, Attachment, _values(upload, description), hidden=hidden)
    if previewed:
        enqueue(session, "file.preview", key=f"file.preview:{made.id}", attempts=3, attachment_id=made.id)
    return made


def _values(upload: Upload, description: str) -> dict[str, Any]:
    return schemas.parse(Attachment, "create", {"name": upload.name, "description": description}, by="name")


@rule(Attachment)
def keep_to_content(_session: Session, attachment: Attachment, changed: frozenset[str]) -> None:
    """There is no record without bytes, and a new name keeps to what the bytes are."""
    if not attachment.sha256:
        raise invalid("file", "A file has to be uploaded, as multipart/form-data")
    if "name" not in changed or not inspect(attachment).attrs.name.history.has_changes():
        return
    attachment.name = names.cleaned(attachment.name)
    allowed = kinds.endings_of(attachment.media_type)
    if names.ending(attachment.name) not in allowed:
        raise invalid("name", "The name must end in: %(allowed)s", allowed=", ".join(allowed))
