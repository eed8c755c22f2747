"""`crm backup`, `crm restore` and `crm jobs release`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from crm.commands.data import opened
from crm.settings import Settings


def make(settings: Settings, file: Path | None) -> str:
    """Write the archive to the file, the default one, or with `-` to the output; says what is in it."""
    from crm.backup import make as backups
    from seeds import progress

    target = file or backups.default_path(settings)
    with progress.shown() as show:
        if str(target) == "-":
            made = backups.make(settings, sys.stdout.buffer, show)
            sys.stdout.buffer.flush()
        else:
            made = backups.make_file(settings, target, show)
    return f"{target}: {sum(made.counts.values())} rows in {len(made.counts)} tables, schema {made.revision}."


def restore(settings: Settings, file: Path, *, force: bool) -> Iterator[str]:
    """Put the archive in place; says what came back and what is held."""
    from crm.backup.restore import restore as put_back
    from seeds import progress

    with progress.shown() as show:
        done = put_back(settings, file, force=force, progress=show)
    yield f"Restored the backup of {done.manifest.made_at:%Y-%m-%d %H:%M} UTC: {done.rows} rows, {done.uploads} files."
    yield f"Mail is held ({done.held} jobs wait). `crm jobs release` lets it go, once the original no longer runs."


def release(settings: Settings) -> str:
    """Release every restored copy and every held job; says how many."""
    from crm.actor import system
    from crm.services import restorations

    with opened(settings) as database, database.transaction(system("command line")) as session:
        return f"Released: {restorations.release_everything(session)} jobs."
