"""What was backed up comes back whole, on either database."""

from __future__ import annotations

import gc
import gzip
import io
import os
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from crm.actor import system
from crm.backup import make as backups
from crm.backup import restore as restores
from crm.backup import rotation
from crm.backup.archive import Manifest, NoRoom, silent
from crm.db import Database
from crm.errors import Conflict
from crm.files.storage import Storage
from crm.models import EmailMessage, Job, Restoration, Tag
from crm.models.email_message import EmailState
from crm.models.job import JobStatus
from crm.services import emails
from crm.settings import Settings
from tests.backup.samples import fill, rows


def test_a_restored_copy_has_every_row_file_and_key(database: Database, here: Settings, there: Settings) -> None:
    fill(database, here)
    made = backups.make_file(here, here.data_dir / "b.tar.gz")
    done = restores.restore(there, here.data_dir / "b.tar.gz")
    assert rows(there.database) == rows(here.database)
    assert done.manifest.database == ("sqlite" if database.is_sqlite else "postgresql")
    assert (done.manifest.counts["customer"], done.uploads, done.held) == (2, 1, 0)
    assert made.counts == done.manifest.counts
    (content,) = Storage(there.uploads).contents()
    assert content.read_bytes() == b"a file" * 1000
    assert (there.data_dir / "jwt.key").read_text() == here.signing_key
    assert (there.data_dir / "jwt.key").stat().st_mode & 0o777 == 0o600
    assert (here.data_dir / "b.tar.gz").stat().st_mode & 0o777 == 0o600


def test_a_restored_copy_can_be_worked_with_and_gives_no_number_twice(
    database: Database, here: Settings, there: Settings
) -> None:
    fill(database, here)
    with database.transaction(system("test")) as session:
        last = session.scalar(select(func.max(Tag.id))) or 0
    backups.make_file(here, here.data_dir / "b.tar.gz")
    restores.restore(there, here.data_dir / "b.tar.gz")
    copy = Database(there.database)
    with copy.transaction(system("test")) as session:
        tag = Tag(name="new")
        session.add(tag)
        session.flush()
        assert tag.id > last
    with pytest.raises(Exception, match=r"(?i)foreign key"), copy.transaction(system("test")) as session:
        session.execute(text("UPDATE customer SET parent_id = 999999"))
    copy.dispose()


def test_a_key_from_the_environment_is_in_no_archive(database: Database, settings: Settings) -> None:
    backups.make_file(settings, settings.data_dir / "b.tar.gz")
    assert "secrets/jwt.key" not in names(settings.data_dir / "b.tar.gz")


def names(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


def test_a_backup_overwrites_nothing_and_leaves_no_draft(database: Database, here: Settings) -> None:
    here.data_dir.mkdir()
    (here.data_dir / "b.tar.gz").write_text("mine")
    with pytest.raises(Conflict):
        backups.make_file(here, here.data_dir / "b.tar.gz")
    assert [path.name for path in here.data_dir.iterdir()] == ["b.tar.gz"]


def test_a_full_disk_is_said_and_nothing_is_left(
    database: Database, here: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(NoRoom):
        backups.make(here, full)
    gc.collect()
    assert "Exception ignored" not in capfd.readouterr().err
    assert list(here.data_dir.glob(".crm-*")) == []


def test_what_a_killed_backup_left_behind_is_removed_after_a_day(database: Database, here: Settings) -> None:
    folder = here.data_dir / "backups"
    folder.mkdir(parents=True)
    mine, old, new = (
        here.data_dir / "backup-20200101",
        here.data_dir / ".crm-backup-x",
        here.data_dir / ".crm-restore-y",
    )
    for place in (mine, old, new):
        place.mkdir()
        (place / "crm.sqlite3").write_text("a copy")
    draft = folder / ".crm-20200101-000000.tar.gz.77.draft"
    draft.write_text("half")
    for place in (mine, old, draft):
        os.utime(place, (0, 0))
    path, _ = rotation.make_next(here, keep=3, progress=silent)
    assert [draft.exists(), old.exists(), new.exists(), mine.exists(), path.exists()] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_the_oldest_backups_make_room_and_a_name_that_somebody_gave_stays(database: Database, here: Settings) -> None:
    folder = here.data_dir / "backups"
    folder.mkdir(parents=True)
    older, oldest = (folder / f"crm-2020010{day}-000000.tar.gz" for day in (2, 1))
    named = [folder / f"crm-{name}.tar.gz" for name in ("before-the-move", "to-keep")]
    for place in (older, oldest, *named):
        place.write_text("a backup")
    path, _ = rotation.make_next(here, keep=2, progress=silent)
    assert set(folder.iterdir()) == {path, older, *named}


def test_backups_made_while_others_write_are_of_one_instant(
    database: Database, here: Settings, there: Settings
) -> None:
    stop, written = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with database.transaction(system("test")) as session:  # always two at once
                session.add_all([Tag(name=f"{number}a"), Tag(name=f"{number}b")])
            number += 1
            written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        paths = []
        for number in range(4):
            written.clear()
            assert written.wait(30)
            paths.append(here.data_dir / f"{number}.tar.gz")
            backups.make_file(here, paths[-1])
    finally:
        stop.set()
        writer.join()
    counts = []
    for path in paths:
        restores.restore(there, path, force=True)
        copy = Database(there.database)
        with copy.read_only(system("test")) as session:
            counts.append(session.scalar(select(func.count(Tag.id))) or 0)
        copy.dispose()
    assert all(count % 2 == 0 and count > 0 for count in counts)
    assert counts == sorted(counts)


# ---------------------------------------------------------------------------------------------- what is refused


# ---------------------------------------------------------------------------------------------- mail


def test_waiting_mail_is_held_and_mail_in_flight_is_uncertain(
    database: Database, here: Settings, there: Settings
) -> None:
    with database.transaction(system("test")) as session:
        waits, flies = (emails.queue(session, to="a@b.example", subject=k, text="T", key=k) for k in "ab")
        flies.state = EmailState.SENDING
        session.get_one(Job, flies.job_id).status = JobStatus.RUNNING
        numbers = [waits.job_id, flies.job_id]
    backups.make_file(here, here.data_dir / "b.tar.gz")
    assert restores.restore(there, here.data_dir / "b.tar.gz").held == 1
    copy = Database(there.database)
    with copy.read_only(system("test")) as session:
        assert [session.get_one(Job, n).status.value for n in numbers] == ["held", "uncertain"]
        assert set(session.scalars(select(EmailMessage.state))) == {EmailState.READY, EmailState.UNCERTAIN}
        (kept,) = session.scalars(select(Restoration)).all()
        assert (kept.archive, kept.held, kept.released_at) == ("b.tar.gz", 1, None)
    copy.dispose()


def test_an_archive_can_go_through_a_pipe(database: Database, here: Settings, there: Settings) -> None:
    class Pipe(io.RawIOBase):
        """Cannot seek."""

        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    made = backups.make(here, pipe)  # type: ignore[arg-type]
    here.data_dir.mkdir(exist_ok=True)
    (here.data_dir / "p.tar.gz").write_bytes(pipe.data)
    assert gzip.decompress(pipe.data)
    done: Manifest = restores.restore(there, here.data_dir / "p.tar.gz").manifest
    assert done.counts == made.counts
