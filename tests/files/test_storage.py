"""What is stored is whole, stored once, and never missed by a row; what nobody speaks of goes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

import crm.services  # noqa: F401  (sessions keep to scope and audit)
from crm.actor import system
from crm.db import Database
from crm.errors import NoRoom, TooLarge, Unavailable
from crm.files.draft import Draft
from crm.files.storage import Storage, writing
from crm.models import Attachment

FUTURE = 2.0**33


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "uploads")


def files(storage: Storage) -> list[Path]:
    return [path for path in storage.root.rglob("*") if path.is_file() and path.name != "lock"]


def nobody(_digests: list[str]) -> set[str]:
    return set()


def test_one_content_is_one_file_named_by_its_digest(storage: Storage) -> None:
    first, second = storage.put(b"hello"), storage.put(b"hello")
    assert first == second
    assert files(storage) == [storage.path(first)] == list(storage.contents())
    assert storage.path(first).read_bytes() == b"hello"
    assert storage.path(first).stat().st_mode & 0o077 == 0
    with pytest.raises(ValueError, match="64 hexadecimal"):
        storage.path("../../etc/passwd")


def test_a_draft_beyond_its_limit_is_refused_and_leaves_nothing(storage: Storage) -> None:
    draft = storage.draft(2**20)
    with pytest.raises(TooLarge, match="larger than 1 MiB"):
        draft.write(b"x" * (2**20 + 1))
    draft.discard()
    assert files(storage) == []


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, for which the system's error is the one of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _write(draft: Draft, data: bytes) -> None:
    with writing():
        draft.write(data)


def test_a_full_disk_is_said_and_leaves_nothing(storage: Storage) -> None:
    draft = storage.draft(2**24)
    with disk_of(2**20), pytest.raises(NoRoom, match="no room left"):
        _write(draft, b"x" * 2**22)
    draft.discard()
    assert files(storage) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="cannot be written"):
        Storage(tmp_path / "file" / "uploads").draft(10)


def test_the_sweeper_takes_what_is_old_and_spoken_of_by_nobody(storage: Storage) -> None:
    kept, orphan, young = storage.put(b"kept"), storage.put(b"orphan"), storage.put(b"young")
    draft = storage.draft(10)
    hour_ago = time.time() - 3700
    for path in (storage.path(kept), storage.path(orphan), draft.path):
        os.utime(path, (hour_ago, hour_ago))
    assert storage.sweep(lambda digests: {kept} & set(digests), before=time.time() - 3600) == 2
    assert {path.name for path in files(storage)} == {kept, young}
    assert storage.sweep(nobody, before=0) == 0


def test_what_is_uploaded_again_is_spared(storage: Storage) -> None:
    digest = storage.put(b"again")
    os.utime(storage.path(digest), (1, 1))
    storage.put(b"again")
    assert storage.sweep(nobody, before=time.time() - 3600) == 0


def test_uploads_and_the_sweeper_at_once_lose_nothing(storage: Storage) -> None:
    """All contents are old orphans when the sweeper looks; those kept meanwhile must be there afterwards."""
    contents = [f"content {n}".encode() for n in range(40)]
    for digest in [storage.put(content) for content in contents]:
        os.utime(storage.path(digest), (1, 1))
    sweeper = threading.Thread(target=storage.sweep, args=(nobody,), kwargs={"before": time.time() - 3600})
    sweeper.start()
    digests = [storage.put(content) for content in contents]
    sweeper.join()
    assert all(storage.path(digest).exists() for digest in digests)


def test_killed_uploads_leave_no_row_without_its_file(database: Database, database_url: str, tmp_path: Path) -> None:
    storage = Storage(tmp_path / "uploads")
    command = [sys.executable, "-m", "tests.files.uploader", database_url, str(storage.root), "8"]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    with database.read_only(system("test")) as session:
        spoken = set(session.scalars(select(Attachment.sha256)))
    assert spoken
    assert all(storage.path(digest).stat().st_size > 20_000 for digest in spoken)
    storage.sweep(lambda digests: spoken & set(digests), before=FUTURE)
    assert {path.name for path in files(storage)} == spoken
