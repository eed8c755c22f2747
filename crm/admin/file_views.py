"""What screens show of files: the card on every record that may have some, and a file's own page."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm import access, formats
from crm.admin import labels, paths
from crm.admin.record_parts import Made, record_part
from crm.db import actor_of
from crm.entity import REGISTRY, name_of, permission
from crm.files import kinds
from crm.models.attachment import Attachment, PreviewState
from crm.models.user import User

#: newest files on a record's page; the list has all
FIRST = 8
_ICONS = {
    "pdf": "file-type-pdf",
    "docx": "file-type-doc",
    "doc": "file-type-doc",
    "xlsx": "file-type-xls",
    "xls": "file-type-xls",
    "pptx": "file-type-ppt",
    "ppt": "file-type-ppt",
    "csv": "file-type-csv",
    "txt": "file-text",
    "zip": "file-zip",
}
_FAMILIES = {"image": "photo", "audio": "microphone", "video": "video"}


def card(session: Session, record: Any) -> Made:
    """{files, total, all_url, upload: {url, type, id}}; nothing where there is none to see or add."""
    actor, kind = actor_of(session), name_of(type(record))
    if not actor.may(permission(Attachment, "view")):
        return None
    mine = (Attachment.record_type == kind, Attachment.record_id == record.id)
    total = session.scalar(select(func.count()).select_from(Attachment).where(*mine)) or 0
    found = session.scalars(select(Attachment).where(*mine).order_by(Attachment.id.desc()).limit(FIRST)).all()
    live = getattr(record, "deleted_at", None) is None
    may = live and actor.may(permission(Attachment, "create")) and access.allows(session, record, "update")
    if not total and not may:
        return None
    return {
        "files": shown(session, found, back=f"{paths.details_of(type(record), record.id)}#files"),
        "total": formats.number(total),
        "all_url": paths.list_of(Attachment, record_type=kind, record_id=record.id) if total > FIRST else "",
        "upload": {"url": paths.to("attachment", "upload"), "type": kind, "id": record.id} if may else None,
    }


def shown(session: Session, files: Any, *, back: str) -> list[dict[str, Any]]:
    """Files as {name, url, download_url, picture_url, icon, size, when, who, delete_url, waiting, …}."""
    people = labels.resolve(session, User, {file.created_by for file in files if file.created_by})
    return [
        {
            **addresses(file),
            "name": file.name,
            "description": file.description,
            "url": paths.details_of(Attachment, file.id),
            "icon": icon(file.media_type),
            "size": formats.size(file.size),
            "when": formats.ago(file.created_at),
            "who": people[file.created_by].text if file.created_by else "",
            "delete_url": _delete_url(session, file, back),
            "waiting": file.preview_state is PreviewState.WAITING,
        }
        for file in files
    ]


def _delete_url(session: Session, file: Attachment, back: str) -> str:
    return paths.to("attachment", "delete", file.id, back=back) if access.allows(session, file, "delete") else ""


def addresses(file: Attachment) -> dict[str, str]:
    """{download_url, picture_url}"""
    has_picture = file.preview_state is PreviewState.READY and file.preview_sha256
    return {
        "download_url": paths.to("attachment", "download", file.id),
        "picture_url": paths.to("attachment", "preview", file.id) if has_picture else "",
    }


def icon(media_type: str) -> str:
    """The Tabler name of what a file is."""
    return _ICONS.get(kinds.ending_of(media_type)) or _FAMILIES.get(media_type.partition("/")[0], "file")


@record_part(Attachment, "crm/file.html")
def page(session: Session, file: Attachment) -> Made:
    """{download_url, picture_url, text, state, icon, size, record}: the file itself on its page."""
    return {
        **addresses(file),
        "text": file.preview_text,
        "state": file.preview_state.value,
        "icon": icon(file.media_type),
        "size": formats.size(file.size),
        "trashed": file.deleted_at is not None,
        "record": linked(session, file),
    }


def linked(session: Session, file: Attachment) -> dict[str, str] | None:
    """{title, url} of the record a file hangs on; None without one, or where the actor does not see it."""
    model = REGISTRY.get(file.record_type or "")
    if model is None or file.record_id is None or not actor_of(session).may(permission(model, "view")):
        return None
    found = labels.resolve(session, model, [file.record_id])[file.record_id]
    return {"title": found.text, "url": paths.details_of(model, file.record_id)} if found.state == "live" else None


for target in access.linkable(Attachment):
    record_part(target, "crm/files.html", place="side")(card)
