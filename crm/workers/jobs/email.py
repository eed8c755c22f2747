"""Jobs on mail."""

from __future__ import annotations

from crm.models.job import JobEffect
from crm.services.emails import ATTEMPTS
from crm.workers.delivery import deliver
from crm.workers.registry import job
from crm.workers.run import Run


@job(
    "email.send",
    effect=JobEffect.AT_MOST_ONCE,
    queue="mail",
    attempts=ATTEMPTS,
    as_system=True,
    own_steps=True,
)
def send(run: Run, *, message_id: int) -> None:
    """Send one stored mail."""
    deliver(run, message_id)
