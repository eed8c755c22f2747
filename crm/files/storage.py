"""Uploaded bytes on disk, each content once under its SHA-256: `ab/cd/abcd…`; drafts lie in `incoming/` beside them.

A content appears under its name whole and synced, before any row speaks of it; what no row speaks of is swept later.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crm.errors import NoRoom, Unavailable
from crm.files.draft import Draft

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_BATCH = 500
Kept = Callable[[list[str]], set[str]]


class Storage:
    """The folder of uploads; made when first needed.  Several processes may work in it at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._incoming = root / "incoming"

    def path(self, sha256: str) -> Path:
        """Where the bytes of that digest (in hexadecimal) are, or would be."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError("a content is named by 64 hexadecimal digits")
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def draft(self, limit: int) -> Draft:
        """An empty file to be filled, of at most `limit` bytes; `keep` or `discard` it."""
        with writing():
            self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Draft(self._incoming, limit)

    def keep(self, draft: Draft) -> str:
        """Put a finished draft under the name of its content, safe from a power cut; the digest.

        Replacing what is there already makes it young again, and the sweeper spares the young.
        """
        place = self.path(draft.sha256)
        with writing():
            draft.sync()
            with self._locked(fcntl.LOCK_SH):
                made = _make_folders(place.parent, self.root)
                os.replace(draft.path, place)
                for folder in (place.parent, *made):
                    _sync(folder)
        return draft.sha256

    def put(self, data: bytes) -> str:
        """Store bytes that are at hand; their digest."""
        draft = self.draft(len(data))
        try:
            with writing():
                draft.write(data)
            return self.keep(draft)
        finally:
            draft.discard()

    def contents(self) -> Iterator[Path]:
        """Every stored content, in no order; names are digests.  For backups and the sweeper."""
        for place in self.root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*"):
            if len(place.name) == 64:
                yield place

    def sweep(self, kept: Kept, *, before: float) -> int:
        """Remove drafts and contents last touched before that second which nobody refers to; how many.

        `kept(digests)` answers those that are referred to.
        """
        if not self.root.exists():
            return 0
        old = [place for place in self.contents() if _is_older(place, before)]
        gone = sum(self._sweep_batch(old[i : i + _BATCH], kept, before) for i in range(0, len(old), _BATCH))
        for draft in self._incoming.glob("*"):
            if _is_older(draft, before):
                draft.unlink(missing_ok=True)
                gone += 1
        return gone

    def _sweep_batch(self, places: list[Path], kept: Kept, before: float) -> int:
        """Nobody keeps a draft meanwhile, so what is still old now was not uploaded again."""
        with self._locked(fcntl.LOCK_EX):
            still = [place for place in places if _is_older(place, before)]
            spared = kept([place.name for place in still])
            for place in still:
                if place.name not in spared:
                    place.unlink(missing_ok=True)
        return len(still) - len(spared)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


@contextmanager
def writing() -> Iterator[None]:
    """What the disk refuses as a sentence: NoRoom when it is full, else Unavailable."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom("There is no room left for files; ask your administrator to make some") from error
        raise Unavailable("The folder of uploaded files cannot be written to; tell your administrator") from error


def _make_folders(folder: Path, root: Path) -> list[Path]:
    """Make the folder; the folders above whose list of names has changed by that."""
    missing = [part for part in (folder, *folder.parents) if part.is_relative_to(root) and not part.exists()]
    for part in reversed(missing):
        part.mkdir(mode=0o700, exist_ok=True)
    return [part.parent for part in missing]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_older(place: Path, before: float) -> bool:
    try:
        return place.stat().st_mtime < before
    except FileNotFoundError:
        return False
