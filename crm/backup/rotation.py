"""Backups that a schedule makes: in DATA_DIR/backups, where the oldest make room."""

from __future__ import annotations

from pathlib import Path

from crm.backup import make
from crm.backup.archive import Manifest, Progress
from crm.settings import Settings


def make_next(settings: Settings, *, keep: int, progress: Progress) -> tuple[Path, Manifest]:
    """A new backup in the default place; of those there only the newest `keep` stay, once it is whole."""
    path = make.default_path(settings)
    made = make.make_file(settings, path, progress)
    for old in sorted(path.parent.glob(f"crm-*{make.SUFFIX}"), reverse=True)[keep:]:
        old.unlink(missing_ok=True)
    return path, made
