"""Make a backup: the database as of one instant, then every uploaded file, then the key, then what was written."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from crm import __version__
from crm.backup import postgresql, sqlite
from crm.backup.archive import KEY, SQLITE, Manifest, Progress, Writer, enough_room, silent
from crm.columns import now
from crm.db import Database
from crm.errors import Conflict
from crm.files.storage import Storage
from crm.migrations import stands_at
from crm.settings import Settings

SUFFIX = ".tar.gz"


def default_path(settings: Settings) -> Path:
    """DATA_DIR/backups/crm-20261121-104500.tar.gz"""
    return settings.data_dir / "backups" / f"crm-{now():%Y%m%d-%H%M%S}{SUFFIX}"


def make_file(settings: Settings, target: Path, progress: Progress = silent) -> Manifest:
    """A backup at `target`, which appears whole or not at all; Conflict if there is a file already."""
    if target.exists():
        raise Conflict("There is a file already: %(path)s", path=str(target))
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.draft")
    try:
        with enough_room(), open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            made = make(settings, file, progress)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    return made


def make(settings: Settings, target: IO[bytes], progress: Progress = silent) -> Manifest:
    """Write a backup to a file or a pipe.  Rows first: the files they speak of are there before they are."""
    with enough_room():
        archive = Writer(target)
        try:
            return _make(settings, archive, progress)
        except BaseException:
            archive.abandon()
            raise


def _make(settings: Settings, archive: Writer, progress: Progress) -> Manifest:
    database = Database(settings.database, pool_size=1, statement_timeout_s=0)
    try:
        made = (_of_sqlite if database.is_sqlite else _of_postgresql)(settings, database, archive, progress)
    finally:
        database.dispose()
    _uploads(Storage(settings.uploads), archive, progress)
    _key(settings, archive)
    archive.finish(made)
    return made


def _of_sqlite(settings: Settings, database: Database, archive: Writer, progress: Progress) -> Manifest:
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    made_at = now()
    with TemporaryDirectory(prefix=".crm-backup-", dir=settings.data_dir) as folder:
        copy = Path(folder) / "crm.sqlite3"
        progress("database", 0, 1)
        sqlite.snapshot(database, copy)
        size = copy.stat().st_size
        with copy.open("rb") as file:
            archive.add(SQLITE, file, size)
        progress("database", 1, 1)
        scratch = Database(f"sqlite:///{copy}", pool_size=1)
        with scratch.engine(write=False).connect() as connection:
            made = Manifest(__version__, "sqlite", stands_at(connection), made_at, sqlite.counts(connection))
        scratch.dispose()
    return made


def _of_postgresql(_settings: Settings, database: Database, archive: Writer, progress: Progress) -> Manifest:
    made_at = now()
    with postgresql.snapshot(database) as connection:
        current = stands_at(connection)
        counts, columns = postgresql.write(connection, archive, progress)
        numbers = postgresql.sequences(connection)
    return Manifest(__version__, "postgresql", current, made_at, counts, columns, numbers)


def _uploads(storage: Storage, archive: Writer, progress: Progress) -> None:
    found = sorted(storage.contents(), key=lambda place: place.name)
    for done, place in enumerate(found):
        progress("uploads", done, len(found))
        try:
            file = place.open("rb")
        except FileNotFoundError:  # swept meanwhile: no row speaks of it any more
            continue
        with file:
            archive.add(f"uploads/{place.name}", file, os.fstat(file.fileno()).st_size)
    progress("uploads", len(found), len(found))


def _key(settings: Settings, archive: Writer) -> None:
    """The key that was made here; one from the environment is the operator's to keep."""
    kept = settings.data_dir / "jwt.key"
    if not settings.jwt_secret and kept.exists():
        with kept.open("rb") as file:
            archive.add(KEY, file, os.fstat(file.fileno()).st_size)
