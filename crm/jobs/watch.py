"""What a worker writes and learns while a job runs: its leases go on, its progress, whether it was asked to stop."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select, update

from crm.jobs.events import instant
from crm.jobs.lease import LEASE_S, Lease, mine
from crm.models.job import Job, JobStatus

NOTE_LIMIT = 200


def extend_all(connection: Connection, leases: Iterable[Lease], *, lease_s: float = LEASE_S) -> dict[str, bool]:
    """The worker lives: token → was its job asked to stop? A token that is missing was replaced."""
    tokens = [lease.token for lease in leases]
    if not tokens:
        return {}
    statement = (
        update(Job)
        .where(Job.lease_token.in_(tokens), Job.status == JobStatus.RUNNING)
        .values(lease_until=instant(connection, plus_s=lease_s))
        .returning(Job.lease_token, Job.cancel_asked_at)
    )
    return {str(row.lease_token): row.cancel_asked_at is not None for row in connection.execute(statement)}


def write_progress(connection: Connection, lease: Lease, done: int, total: int | None, note: str) -> None:
    """Nothing is written if the row is locked just now, by the work itself or by somebody who looks after it."""
    free = select(Job.id).where(*mine(lease)).with_for_update(skip_locked=True).scalar_subquery()
    values = {"progress_done": done, "progress_total": total, "progress_note": note[:NOTE_LIMIT]}
    connection.execute(update(Job).where(Job.id == free).values(values))


def asked_to_stop(connection: Connection, lease: Lease) -> bool | None:
    """Was the job asked to stop? None: it belongs to another worker by now."""
    row = connection.execute(select(Job.cancel_asked_at).where(*mine(lease))).first()
    return None if row is None else row.cancel_asked_at is not None
