"""What is damaged, foreign or would lose data is refused, and changes nothing."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from crm.actor import system
from crm.backup import make as backups
from crm.backup import restore as restores
from crm.backup.archive import Damaged
from crm.db import Database
from crm.errors import Conflict
from crm.jobs import presence
from crm.models import Customer, User
from crm.settings import Settings
from tests.backup.samples import fill, rows


def test_data_is_given_up_only_by_force(database: Database, here: Settings, there: Settings) -> None:
    fill(database, here)
    path = here.data_dir / "b.tar.gz"
    backups.make_file(here, path)
    copy = Database(there.database)
    with copy.transaction(system("test")) as session:
        session.add(User(username="late", email="late@example.com"))
    with pytest.raises(Conflict, match="--force"):
        restores.restore(there, path)
    restores.restore(there, path, force=True)
    with copy.read_only(system("test")) as session:
        assert session.scalars(select(User.username).where(User.username == "late")).all() == []
        assert len(session.scalars(select(Customer.id)).all()) == 2
    copy.dispose()


def test_nothing_is_restored_under_a_running_process(database: Database, here: Settings, there: Settings) -> None:
    backups.make_file(here, here.data_dir / "b.tar.gz")
    copy = Database(there.database)
    with copy.engine().begin() as connection:
        presence.beat(connection, process="host:9", role="worker")
    copy.dispose()
    with pytest.raises(Conflict, match="host:9"):
        restores.restore(there, here.data_dir / "b.tar.gz", force=True)


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The archive with other members."""
    with tarfile.open(path) as tar:
        held = {info.name: (tar.extractfile(info) or io.BytesIO()).read() for info in tar}
    change(held)
    target = path.with_name("changed.tar.gz")
    with tarfile.open(target, "w:gz") as tar:
        for name, body in held.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return target


def _spoil(held: dict[str, bytes]) -> None:
    name = next(n for n, body in held.items() if body and n != "manifest.json")
    held[name] = bytes([held[name][0] ^ 1]) + held[name][1:]


def _lose(held: dict[str, bytes]) -> None:
    del held[next(n for n in held if n.startswith("database/"))]


def _slip_in(held: dict[str, bytes]) -> None:
    manifest = held.pop("manifest.json")
    held["../../etc/passwd"] = b"x"
    held["manifest.json"] = manifest


def _decapitate(held: dict[str, bytes]) -> None:
    del held["manifest.json"]


@pytest.mark.parametrize("change", [_spoil, _lose, _slip_in, _decapitate])
def test_an_archive_that_is_not_what_was_written_is_refused(
    database: Database, here: Settings, there: Settings, change: Callable[[dict[str, bytes]], None]
) -> None:
    fill(database, here)
    backups.make_file(here, here.data_dir / "b.tar.gz")
    before = rows(there.database)
    with pytest.raises(Damaged):
        restores.restore(there, rewritten(here.data_dir / "b.tar.gz", change))
    assert rows(there.database) == before
    assert not there.uploads.exists()


@pytest.mark.parametrize("size", [0, 100, -100])
def test_an_archive_that_was_cut_off_is_refused(database: Database, here: Settings, there: Settings, size: int) -> None:
    backups.make_file(here, here.data_dir / "b.tar.gz")
    (here.data_dir / "cut.tar.gz").write_bytes((here.data_dir / "b.tar.gz").read_bytes()[:size])
    with pytest.raises(Damaged):
        restores.restore(there, here.data_dir / "cut.tar.gz")


def manifest_with(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(held: dict[str, bytes]) -> None:
        held["manifest.json"] = orjson.dumps(orjson.loads(held["manifest.json"]) | changes)

    return change


@pytest.mark.parametrize("changes", [{"database": "oracle"}, {"revision": "9999"}])
def test_a_backup_of_another_kind_or_a_later_version_is_refused(
    database: Database, here: Settings, there: Settings, changes: dict[str, Any]
) -> None:
    backups.make_file(here, here.data_dir / "b.tar.gz")
    with pytest.raises(Conflict):
        restores.restore(there, rewritten(here.data_dir / "b.tar.gz", manifest_with(**changes)))


def test_what_fails_half_way_leaves_everything_as_it_was(database: Database, here: Settings, there: Settings) -> None:
    fill(database, here)
    backups.make_file(here, here.data_dir / "b.tar.gz")
    restores.restore(there, here.data_dir / "b.tar.gz")
    before = rows(there.database)
    lying = rewritten(here.data_dir / "b.tar.gz", manifest_with(revision="0001"))
    with pytest.raises(Exception):  # noqa: B017, PT011  (the database's own, of either kind)
        restores.restore(there, lying, force=True)
    assert rows(there.database) == before
