"""Jobs on files: previews that nothing sent in can break, and the sweeper of what no row speaks of."""

from __future__ import annotations

import io
import os
import time

import pytest
from PIL import Image
from sqlalchemy import select

from crm.actor import system
from crm.db import Database
from crm.files.storage import Storage
from crm.files.uploads import Upload
from crm.jobs import enqueue
from crm.models import Attachment, AuditEntry
from crm.models.attachment import PreviewState
from crm.models.job import JobStatus
from crm.services import attachments
from crm.services.attachments import Place
from crm.settings import Settings
from crm.workers import clock
from crm.workers.execution import execute
from crm.workers.heartbeat import Heartbeat
from tests import samples
from tests.files.corpus import png_of
from tests.workers.conftest import jobs

TEST = system("test")


def stored(database: Database, settings: Settings, data: bytes, media_type: str, name: str) -> Attachment:
    """A file, after the jobs it asked for have run."""
    digest = Storage(settings.uploads).put(data)
    with database.transaction(TEST) as session:
        key = attachments.keep(session, Upload(name, digest, media_type, len(data)), Place()).id
    for job in jobs(database, kind="file.preview", status=JobStatus.QUEUED):
        execute(database, settings, Heartbeat(database, "worker"), job.id, worker="test")
        assert jobs(database, id=job.id)[0].status is JobStatus.SUCCEEDED
    with database.read_only(TEST) as session:
        found = session.get(Attachment, key)
        assert found is not None
        session.expunge(found)
        return found


def picture_of(settings: Settings, file: Attachment) -> Image.Image:
    assert file.preview_sha256 is not None
    return Image.open(io.BytesIO(Storage(settings.uploads).path(file.preview_sha256).read_bytes()))


def test_a_photo_becomes_a_small_picture_upright_and_without_its_metadata(
    database: Database, settings: Settings
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010F] = "a camera"
    photo = samples.picture("JPEG", (1200, 600), exif=exif, comment=b"where it was taken")
    file = stored(database, settings, photo, "image/jpeg", "photo.jpg")
    drawn = picture_of(settings, file)
    assert (file.preview_state, drawn.format, drawn.size) == (PreviewState.READY, "WEBP", (240, 480))
    assert not drawn.getexif()
    raw = Storage(settings.uploads).path(str(file.preview_sha256)).read_bytes()
    assert b"camera" not in raw
    assert b"taken" not in raw


def test_a_pdf_shows_its_first_page_and_a_text_its_beginning(database: Database, settings: Settings) -> None:
    page = stored(database, settings, samples.pdf(3), "application/pdf", "a.pdf")
    assert max(picture_of(settings, page).size) == 480
    text = stored(database, settings, ("报价\r\n" + "行 " * 5000).encode("gb18030"), "text/plain", "a.txt")
    assert text.preview_text.startswith("报价\n行")
    assert (len(text.preview_text) <= 2000, text.preview_sha256) == (True, None)


def test_a_preview_is_no_change_of_the_file(database: Database, settings: Settings) -> None:
    file = stored(database, settings, samples.picture(), "image/png", "a.png")
    assert file.version == 1
    with database.read_only(TEST) as session:
        assert list(session.scalars(select(AuditEntry.action).where(AuditEntry.entity == "attachment"))) == ["create"]


@pytest.mark.parametrize(
    ("data", "media_type", "name"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"rubbish" * 50, "image/png", "a.png"),
        (png_of(30_000, 30_000), "image/png", "bomb.png"),
        (png_of(2**31 - 1, 2**31 - 1), "image/png", "bomb.png"),
        (samples.picture("JPEG", (300, 300))[:900], "image/jpeg", "half.jpg"),
        (b"%PDF-1.7\n" + b"<" * 1000, "application/pdf", "a.pdf"),
        (b"GIF89a" + b"\xff" * 300, "image/gif", "a.gif"),
    ],
)
def test_what_cannot_be_drawn_is_a_file_without_a_preview(
    database: Database, settings: Settings, data: bytes, media_type: str, name: str
) -> None:
    file = stored(database, settings, data, media_type, name)
    assert (file.preview_state, file.preview_sha256) == (PreviewState.FAILED, None)
    assert Storage(settings.uploads).path(file.sha256).read_bytes() == data


def test_an_archive_asks_for_no_preview(database: Database, settings: Settings) -> None:
    file = stored(database, settings, samples.archive("a"), "application/zip", "a.zip")
    assert (file.preview_state, jobs(database, kind="file.preview")) == (PreviewState.NONE, [])


def test_the_sweeper_spares_what_rows_speak_of_in_the_trash_too(database: Database, settings: Settings) -> None:
    file = stored(database, settings, samples.picture(), "image/png", "a.png")
    storage = Storage(settings.uploads)
    orphan = storage.put(b"orphan")
    for path in storage.contents():
        os.utime(path, (time.time() - 4000,) * 2)
    with database.transaction(TEST) as session:
        session.get_one(Attachment, file.id).deleted_at = file.created_at
    with database.transaction(TEST) as session:
        job = enqueue(session, "file.sweep", key="sweep", attempts=3)
    assert job is not None
    execute(database, settings, Heartbeat(database, "worker"), job, worker="test")
    assert jobs(database, id=job)[0].status is JobStatus.SUCCEEDED
    assert {path.name for path in storage.contents()} == {file.sha256, file.preview_sha256}
    assert not storage.path(orphan).exists()


def test_the_sweeper_is_asked_for_once_an_hour(database: Database) -> None:
    assert [clock.ask_for_sweep(database), clock.ask_for_sweep(database)] == [True, False]
    assert len(jobs(database, kind="file.sweep")) == 1
