"""Restore a backup: the archive is checked before anything is touched, and the database changes at once or not at all.

Uploaded files lie under their own digests, so they are put beside what is there; the rows that speak of them follow.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from sqlalchemy import Connection, inspect, select

from crm.backup import postgresql, quarantine, sqlite
from crm.backup.archive import CHUNK, KEY, SQLITE, Damaged, Manifest, Progress, contents, enough_room, silent, verify
from crm.columns import now
from crm.db import Database
from crm.errors import Conflict
from crm.files.storage import Storage
from crm.jobs.presence import HEARD_WITHIN_S
from crm.migrations import run as migrations
from crm.migrations import stands_at
from crm.models.process_heartbeat import ProcessHeartbeat
from crm.models.user import User
from crm.settings import Settings


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back; `held` jobs wait until somebody releases them."""

    manifest: Manifest
    rows: int
    uploads: int
    held: int


def restore(settings: Settings, path: Path, *, force: bool = False, progress: Progress = silent) -> Restored:
    """Put the backup in the place of what is there; raises Damaged or Conflict and then has changed nothing.

    `force` gives up a database that holds data.  Processes of this installation must not run.
    """
    manifest = verify(path, progress)
    database = Database(settings.database, pool_size=1, statement_timeout_s=0)
    try:
        _check(database, manifest, force=force)
        progress("restore", 0, len(manifest.members))
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        into = _sqlite if database.is_sqlite else _postgresql
        with enough_room():
            held = into(settings, database, path, manifest, progress)
    finally:
        database.dispose()
    progress("restore", len(manifest.members), len(manifest.members))
    files = sum(name.startswith("uploads/") for name in manifest.members)
    return Restored(manifest, sum(manifest.counts.values()), files, held)


def _check(database: Database, manifest: Manifest, *, force: bool) -> None:
    """Everything that would keep the backup from being restored here, before anything is touched."""
    kind = "sqlite" if database.is_sqlite else "postgresql"
    if manifest.database != kind:
        known = {"made": manifest.database, "here": kind}
        raise Conflict("The backup is of a %(made)s database and cannot be restored into %(here)s", **known)
    if not migrations.knows(manifest.revision):
        raise Conflict("The backup was made by a later version (%(version)s): update first", version=manifest.version)
    if database.is_sqlite and not Path(database.url.database or "").exists():
        return
    with database.engine(write=False).connect() as connection:
        _check_target(connection, force=force)


def _check_target(connection: Connection, *, force: bool) -> None:
    known = set(inspect(connection).get_table_names())
    if "process_heartbeat" in known:
        seen = connection.execute(select(ProcessHeartbeat.process, ProcessHeartbeat.seen_at)).all()
        for process, at in seen:
            if (now() - at).total_seconds() < HEARD_WITHIN_S:
                raise Conflict(
                    "Stop all processes first: %(process)s was heard less than a minute ago", process=process
                )
    filled = "user" in known and connection.scalar(select(User.id).limit(1)) is not None
    if filled and not force:
        raise Conflict("The database holds data, which would be lost; --force gives it up")
    if filled and not migrations.knows(stands_at(connection)):
        raise Conflict("The database was made by a later version: restore into an empty one")


# ---------------------------------------------------------------------------------------------- SQLite


def _sqlite(settings: Settings, database: Database, path: Path, manifest: Manifest, progress: Progress) -> int:
    with TemporaryDirectory(prefix=".crm-restore-", dir=settings.data_dir) as folder:
        file = Path(folder) / "crm.sqlite3"
        key = Path(folder) / "jwt.key"
        for done, (name, content) in enumerate(contents(path)):
            progress("restore", done, len(manifest.members))
            if name == SQLITE:
                _write(content, file)
            elif name == KEY:
                _write(content, key)
            else:
                _upload(settings, name, content)
        held = _prepare(file, path.name, manifest)
        sqlite.put_in_place(file, Path(database.url.database or ""))
        _key(settings, key)
    return held


def _prepare(file: Path, archive: str, manifest: Manifest) -> int:
    """Check the file, bring it to our schema and hold its mail, before it is the database."""
    draft = Database(f"sqlite:///{file}", pool_size=1)
    try:
        with draft.engine().begin() as connection:
            sqlite.check(connection)
            if stands_at(connection) != manifest.revision:
                raise Damaged("The archive is damaged: its database is not what its manifest says")
        migrations.upgrade(draft)
        with draft.engine().begin() as connection:
            return quarantine.hold(connection, archive=archive, made_at=manifest.made_at)
    finally:
        draft.dispose()


# ---------------------------------------------------------------------------------------------- PostgreSQL


def _postgresql(settings: Settings, database: Database, path: Path, manifest: Manifest, progress: Progress) -> int:
    with TemporaryDirectory(prefix=".crm-restore-", dir=settings.data_dir) as folder:
        key = Path(folder) / "jwt.key"
        with database.engine().begin() as connection:
            _empty(connection)
            migrations.move(connection, manifest.revision)
            with postgresql.without_foreign_keys(connection):
                for done, (name, content) in enumerate(contents(path)):
                    progress("restore", done, len(manifest.members))
                    if name.startswith("database/"):
                        _fill(connection, name, content, manifest)
                    elif name == KEY:
                        _write(content, key)
                    else:
                        _upload(settings, name, content)
            postgresql.set_sequences(connection, manifest.sequences)
            migrations.move(connection, "head")
            held = quarantine.hold(connection, archive=path.name, made_at=manifest.made_at)
        _key(settings, key)
    return held


def _empty(connection: Connection) -> None:
    """Take all tables away, where there are any, within the transaction."""
    if stands_at(connection):
        migrations.move(connection, "base")


def _fill(connection: Connection, name: str, content: IO[bytes], manifest: Manifest) -> None:
    table = name.removeprefix("database/").removesuffix(".copy")
    rows = postgresql.copy_in(connection, table, manifest.columns[table], content)
    if rows != manifest.counts[table]:
        raise Damaged("The archive is damaged: %(name)s is not what was written", name=name)


# ---------------------------------------------------------------------------------------------- files


def _upload(settings: Settings, name: str, content: IO[bytes]) -> None:
    """A stored content under its own digest."""
    storage, digest = Storage(settings.uploads), name.removeprefix("uploads/")
    if storage.path(digest).exists():
        return
    draft = storage.draft(1 << 62)
    try:
        while data := content.read(CHUNK):
            draft.write(data)
        if draft.sha256 != digest:
            raise Damaged("The archive is damaged: %(name)s is not what was written", name=name)
        storage.keep(draft)
    finally:
        draft.discard()


def _write(content: IO[bytes], target: Path) -> None:
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        shutil.copyfileobj(content, file, CHUNK)


def _key(settings: Settings, kept: Path) -> None:
    """The key whose tokens and links the restored rows know; not where the environment gives one."""
    if kept.exists() and not settings.jwt_secret:
        os.replace(kept, settings.data_dir / "jwt.key")
