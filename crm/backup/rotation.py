"""Backups that a schedule makes: in DATA_DIR/backups, where the oldest make room."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from crm.backup import make
from crm.backup.archive import Manifest, Progress
from crm.settings import Settings

#: what a process that was killed left behind is older than any backup takes
_STALE_S = 86_400
#: a name that somebody gave is theirs to remove, and would sort before the newest of ours
_OURS = re.compile(r"crm-\d{8}-\d{6}" + re.escape(make.SUFFIX))


def make_next(settings: Settings, *, keep: int, progress: Progress) -> tuple[Path, Manifest]:
    """A new backup in the default place; of those named like it only the newest `keep` stay, once it is whole."""
    path = make.default_path(settings)
    _sweep(settings, path.parent)
    made = make.make_file(settings, path, progress)
    ours = (found for found in path.parent.iterdir() if _OURS.fullmatch(found.name))
    for old in sorted(ours, reverse=True)[keep:]:
        old.unlink(missing_ok=True)
    return path, made


def _sweep(settings: Settings, folder: Path) -> None:
    """Remove what backups and restorations that were killed left behind: whole copies of the database, maybe."""
    for left in _leftovers(settings, folder):
        if time.time() - left.stat().st_mtime > _STALE_S:
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _leftovers(settings: Settings, folder: Path) -> Iterator[Path]:
    yield from folder.glob(f".*{make.SUFFIX}.*.draft")
    for prefix in (".crm-backup-", ".crm-restore-"):
        yield from (path for path in settings.data_dir.glob(f"{prefix}*") if path.is_dir())
