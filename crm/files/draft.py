"""A file while it is being received: hashed as it is written, never whole in memory."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from crm.errors import TooLarge

_MIB = 1024 * 1024


class Draft:
    """Not thread-safe, but may move between threads.  Whoever opened it discards it, kept or not."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.path = folder / secrets.token_hex(16)
        self.size = 0
        self._limit = limit
        self._digest = hashlib.sha256()
        self._file = open(self.path, "xb", opener=_private)  # noqa: SIM115  (closed by sync or discard)

    def write(self, data: bytes) -> None:
        """Raises TooLarge beyond the limit."""
        if self.size + len(data) > self._limit:
            raise TooLarge("The file is larger than %(limit)s MiB", limit=self._limit // _MIB)
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def ends(self, head: int, tail: int) -> tuple[bytes, bytes]:
        """The first `head` and the last `tail` bytes written so far."""
        self._file.flush()
        with self.path.open("rb") as file:
            first = file.read(head)
            file.seek(max(0, self.size - tail))
            return first, file.read(tail)

    def sync(self) -> None:
        """Nothing more will be written; a power cut takes nothing away."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):  # what is still in the buffer may find no room: it is not wanted any more
            self._file.close()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
