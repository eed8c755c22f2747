"""The archive: a gzipped tar whose last member, `manifest.json`, names every other one with its size and SHA-256."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import re
import sqlite3
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import orjson

from crm.errors import CrmError

FORMAT = 1
MANIFEST = "manifest.json"
SQLITE = "database/crm.sqlite3"
KEY = "secrets/jwt.key"
CHUNK = 1 << 20
#: what an archive may hold; anything else in it is refused
_KNOWN = re.compile(r"database/(crm\.sqlite3|[a-z0-9_]+\.copy)|uploads/[0-9a-f]{64}|secrets/jwt\.key|manifest\.json")
_FULL, _SQLITE_FULL = (errno.ENOSPC, errno.EDQUOT), 13
_BROKEN = (tarfile.TarError, EOFError, OSError, zlib.error)

#: told what is being done, how much of it is done, and how much there is
Progress = Callable[[str, int, int], None]


class Damaged(CrmError):
    """The archive is not what was written, or not ours."""


class NoRoom(CrmError):
    """The disk is full."""


@contextmanager
def enough_room() -> Iterator[None]:
    """Raises NoRoom where the system says that a disk or a quota is full."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        if getattr(error, "errno", None) not in _FULL and getattr(error, "sqlite_errorcode", None) != _SQLITE_FULL:
            raise
        raise NoRoom("There is no room left on the disk; everything is as it was before") from error


@dataclass(frozen=True, slots=True)
class Member:
    """One file of the archive."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself; `counts` are rows by table, `columns` those of each PostgreSQL table."""

    version: str
    database: str
    revision: str
    made_at: datetime
    counts: dict[str, int]
    columns: dict[str, list[str]] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    format: int = FORMAT


def silent(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""


# ---------------------------------------------------------------------------------------------- writing


class Writer:
    """Adds members to an archive that is written in one go, to a file or a pipe."""

    def __init__(self, target: IO[bytes]) -> None:
        self._zip = gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6)
        self._tar = tarfile.open(fileobj=self._zip, mode="w|")  # noqa: SIM115  (closed by finish)
        self._members: dict[str, Member] = {}

    def add(self, name: str, source: IO[bytes], size: int) -> None:
        """`size` bytes of `source`; raises Damaged if there are fewer."""
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashed = _Hashed(source)
        try:
            self._tar.addfile(info, hashed)
        except tarfile.TarError as error:
            raise Damaged("%(name)s became shorter while it was read", name=name) from error
        self._members[name] = Member(size, hashed.digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """The manifest, and the end of the archive; without it nothing can be restored."""
        told = {**asdict(manifest), "members": {name: asdict(one) for name, one in self._members.items()}}
        body = orjson.dumps(told, option=orjson.OPT_INDENT_2)
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(body), 0o600
        self._tar.addfile(info, io.BytesIO(body))
        self._tar.close()
        self._zip.close()

    def abandon(self) -> None:
        """What failed half-way is not completed: left alone, the tar would try to as it goes, into a closed file."""
        stream: Any = self._tar.fileobj
        stream.closed = True


class _Hashed(io.RawIOBase):
    """Hashes what is read through it."""

    def __init__(self, source: IO[bytes]) -> None:
        self.digest, self._source = hashlib.sha256(), source

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data


# ---------------------------------------------------------------------------------------------- reading


def verify(path: Path, progress: Progress = silent) -> Manifest:
    """Read the whole archive and compare it with its manifest; raises Damaged with a sentence."""
    found: dict[str, Member] = {}
    manifest, total = b"", path.stat().st_size
    with _opened(path) as (tar, position):
        for info, content in _members(tar):
            if info.name in found or manifest:
                raise Damaged("The archive is damaged: %(name)s is there twice or too late", name=info.name)
            if info.name == MANIFEST:
                manifest = content.read()
                continue
            digest = hashlib.sha256()
            while data := content.read(CHUNK):
                digest.update(data)
                progress("verify", position(), total)
            found[info.name] = Member(info.size, digest.hexdigest())
    made = _read_manifest(manifest)
    wrong = sorted(name for name in {*found, *made.members} if found.get(name) != made.members.get(name))
    if wrong:
        raise Damaged("The archive is damaged: %(name)s is not what was written", name=wrong[0])
    progress("verify", total, total)
    return made


def contents(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of every member but the manifest, in order; each must be read before the next."""
    with _opened(path) as (tar, _):
        for info, content in _members(tar):
            if info.name != MANIFEST:
                yield info.name, content


@contextmanager
def _opened(path: Path) -> Iterator[tuple[tarfile.TarFile, Callable[[], int]]]:
    """The archive, and how many of its bytes have been read."""
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r|gz") as tar:
            yield tar, file.tell
    except _BROKEN as error:
        raise Damaged("The archive cannot be read: %(why)s", why=str(error) or type(error).__name__) from error


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    for info in tar:
        content = tar.extractfile(info) if info.isreg() and _KNOWN.fullmatch(info.name) else None
        if content is None:
            raise Damaged("The archive holds something that is not ours: %(name)s", name=info.name)
        yield info, content


def _read_manifest(body: bytes) -> Manifest:
    if not body:
        raise Damaged("The archive is not complete: its manifest is missing")
    try:
        told: dict[str, Any] = orjson.loads(body)
        if told["format"] != FORMAT:
            raise Damaged("The archive has another format: %(format)s", format=told["format"])
        members = {name: Member(**one) for name, one in told.pop("members").items()}
        return Manifest(**told | {"members": members, "made_at": datetime.fromisoformat(told["made_at"])})
    except (ValueError, TypeError, KeyError) as error:
        raise Damaged("The archive is damaged: its manifest cannot be read") from error
