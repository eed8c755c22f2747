"""Jobs on backups."""

from __future__ import annotations

from crm.backup import rotation
from crm.services.backups import KEEP
from crm.workers.registry import Permanent, job
from crm.workers.run import Run

#: what is copied → the sentence beside the job's progress
NOW = {
    "database": "Copying the database",
    "tables": "Copying the tables",
    "uploads": "Copying the uploaded files",
}


@job("backup.make", queue="reports", attempts=3, own_steps=True)
def make(run: Run, *, keep: int = KEEP, fire: str = "") -> None:
    """Back everything up; whoever asked must be an administrator still."""
    if not run.actor.everything:
        raise Permanent("Only administrators may schedule backups")
    rotation.make_next(run.settings, keep=keep, progress=lambda what, done, total: run.progress(done, total, NOW[what]))
