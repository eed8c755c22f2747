"""Jobs on files: their previews, and the removal of contents nobody speaks of."""

from __future__ import annotations

import time

from sqlalchemy import inspect, select, update
from sqlalchemy.orm import Session

from crm.fields import models
from crm.files import previews
from crm.files.kinds import Preview, preview_of
from crm.files.storage import Storage
from crm.files.uploads import storage_of
from crm.models.attachment import Attachment, PreviewState
from crm.workers.registry import job
from crm.workers.run import Run

#: an upload that still runs is younger
ORPHAN_AGE_S = 3600.0


@job("file.preview", attempts=3, as_system=True, own_steps=True)
def preview(run: Run, *, attachment_id: int) -> None:
    """Make the preview of one file; a file that cannot be drawn is a file without a preview, and no failure."""
    storage = storage_of(run.settings)
    with run.database.read_only(run.actor) as session:
        found = session.get(Attachment, attachment_id, execution_options={"trash": "any"})
        wanted = (found.sha256, found.media_type) if found is not None else None
    if wanted is None:
        return
    picture, text = _made(storage, *wanted)
    state = PreviewState.READY if picture or text else PreviewState.FAILED
    with run.transaction() as session:
        run.fence(session)
        _write_down(session, attachment_id, state, picture, text)


def _made(storage: Storage, sha256: str, media_type: str) -> tuple[str | None, str]:
    """(digest of the picture, beginning of the text)"""
    source, how = storage.path(sha256), preview_of(media_type)
    if how is None or not source.exists():
        return None, ""
    if how is Preview.TEXT:
        return None, previews.begin(source)
    drawn = previews.draw(source, how)
    return (storage.put(drawn), "") if drawn else (None, "")


def _write_down(session: Session, key: int, state: PreviewState, picture: str | None, text: str) -> None:
    """Beside the ORM: a preview is no change of the file, so neither its version nor its audit speaks of it."""
    values = {"preview_state": state, "preview_sha256": picture, "preview_text": text}
    session.connection().execute(update(Attachment).where(Attachment.id == key).values(values))


@job("file.sweep", attempts=3, as_system=True, own_steps=True)
def sweep(run: Run) -> None:
    """Remove drafts and contents older than an hour that no row speaks of."""

    def kept(digests: list[str]) -> set[str]:
        with run.database.read_only(run.actor) as session:
            return spoken_of(session, digests)

    storage_of(run.settings).sweep(kept, before=time.time() - ORPHAN_AGE_S)


def spoken_of(session: Session, digests: list[str]) -> set[str]:
    """Those of the digests that any row names, in the trash or not: in whatever column is called `…sha256`."""
    found: set[str] = set()
    for model in models():
        for column in inspect(model).columns:
            if column.key == "sha256" or column.key.endswith("_sha256"):
                rows = select(getattr(model, column.key)).where(column.in_(digests))
                found.update(session.scalars(rows, execution_options={"unscoped": True, "trash": "any"}))
    return found
