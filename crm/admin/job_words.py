"""What jobs are called and how they stand, in words."""

from __future__ import annotations

from crm import formats
from crm.columns import now
from crm.i18n import gettext, lazy
from crm.models.job import Job, JobStatus
from crm.names import words
from crm.services import job_kinds, own_words

QUEUES = {
    "default": lazy("Everyday work"),
    "mail": lazy("Mail"),
    "ai": lazy("Assistant"),
    "reports": lazy("Reports"),
}
#: the error of a job whose lease ran out
VANISHED = "WorkerVanished"
ROLES = {"worker": lazy("Worker"), "scheduler": lazy("Scheduler")}


def kind(name: str) -> str:
    """Send an e-mail; a kind without words is called by its name."""
    return job_kinds.title(name)


def queue(name: str) -> str:
    return gettext(QUEUES[name]) if name in QUEUES else name


def role(name: str) -> str:
    return gettext(ROLES[name]) if name in ROLES else name


def status(value: object) -> str:
    return gettext(words(str(value))) if value else ""


def cause(job: Job, *, worker_heard: bool = True) -> str:
    """Why it stands as it stands, in a sentence."""
    if job.status in (JobStatus.QUEUED, JobStatus.DISPATCHED):
        return _waits(job, worker_heard)
    if job.status is JobStatus.HELD:
        return gettext("Held back: this is a restored copy.")
    if job.status is JobStatus.RUNNING and job.cancel_asked_at is not None:
        return gettext("It was asked to stop and does so at its next step.")
    if job.error_class == VANISHED:
        return gettext("Its worker vanished in the middle of it, %(count)s times.", count=job.crashes)
    return own_words.shown(job.last_error) if job.status in (JobStatus.DEAD, JobStatus.UNCERTAIN) else ""


def _waits(job: Job, worker_heard: bool) -> str:
    moment = now()
    if job.run_at > moment:
        again = gettext("Tried again at %(when)s.", when=formats.ago(job.run_at))
        return f"{own_words.shown(job.last_error)} – {again}" if job.last_error else ""
    since = formats.duration(int((moment - job.run_at).total_seconds()))
    if not worker_heard:
        return gettext("Due for %(since)s: no worker is heard from.", since=since)
    return gettext("Due for %(since)s and not taken by a worker yet.", since=since)


def tries(job: Job) -> str:
    """2 of 10: failures, lost workers, and the try that is going on or ended otherwise."""
    vanished = job.status is JobStatus.UNCERTAIN and job.error_class == VANISHED  # counted among the crashes
    tried = job.status in (JobStatus.RUNNING, JobStatus.SUCCEEDED, JobStatus.UNCERTAIN) and not vanished
    done = job.attempt + job.crashes + tried
    return gettext("%(done)s of %(most)s", done=done, most=job.max_attempts)
