"""What the job console's templates draw: jobs, their steps, progress, queues, processes and the chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm import access, formats
from crm.admin import job_words, paths
from crm.admin.operations import offered
from crm.admin.record_parts import record_part
from crm.i18n import gettext
from crm.models.email_message import EmailMessage
from crm.models.job import Job, JobStatus
from crm.models.job_event import JobEvent
from crm.services import job_console, own_words
from crm.services.job_console import Figures

#: height of the chart, in the units of its drawing; each minute is ten wide
HEIGHT = 64
_LIVE = (JobStatus.QUEUED, JobStatus.DISPATCHED, JobStatus.RUNNING)


def rows(session: Session, found: Sequence[Job], *, worker_heard: bool) -> list[dict[str, Any]]:
    """Jobs as `row` draws them, each with its steps and what can be done about it."""
    numbers = [job.id for job in found]
    events, mails = job_console.events_of(session, numbers), _mails(session, numbers)
    return [row(session, job, events[job.id], mails.get(job.id), worker_heard=worker_heard) for job in found]


def row(
    session: Session, job: Job, events: Sequence[JobEvent], mail: EmailMessage | None, *, worker_heard: bool = True
) -> dict[str, Any]:
    """{id, title, about, url, status, label, cause, tries, when, queue, progress, steps, operations}"""
    late = job_console.has_waited_too_long(job)
    return {
        "id": job.id,
        "title": job_words.kind(job.kind),
        "about": _about(mail) if mail is not None else None,
        "url": paths.details_of(Job, job.id),
        "status": str(job.status),
        "late": late,
        "label": gettext("Late") if late else job_words.status(job.status),
        "cause": job_words.cause(job, worker_heard=worker_heard),
        "tries": job_words.tries(job),
        "when": formats.ago(job.finished_at or job.started_at or job.run_at),
        "queue": job_words.queue(job.queue),
        "progress": progress(job),
        "steps": [step(event) for event in events],
        "operations": [*offered(session, job), *_of_mail(session, job, mail)],
    }


def progress(job: Job) -> dict[str, Any] | None:
    """{done, total, note, text}; None where a job has told nothing."""
    if job.progress_done is None and not job.progress_note:
        return None
    done, total = job.progress_done or 0, job.progress_total
    numbers = f"{formats.number(done)} / {formats.number(total)}" if total else formats.number(done)
    return {"done": done, "total": total, "note": own_words.shown(job.progress_note), "text": numbers}


def step(event: JobEvent) -> dict[str, str]:
    """{at, title, status, label, who, note}"""
    return {
        "at": formats.ago(event.created_at),
        "title": event.created_at.isoformat(timespec="milliseconds"),
        "status": event.to_status,
        "label": job_words.status(event.to_status),
        "who": event.actor,
        "note": own_words.shown(event.note),
    }


def _mails(session: Session, numbers: Sequence[int]) -> dict[int, EmailMessage]:
    """job → the mail it sends, of those the actor may see."""
    found = session.scalars(select(EmailMessage).where(EmailMessage.job_id.in_(numbers)))
    return {mail.job_id: mail for mail in found if mail.job_id and access.allows(session, mail, "view")}


def _about(mail: EmailMessage) -> dict[str, str]:
    return {"text": mail.subject, "to": mail.to_address, "url": paths.details_of(EmailMessage, mail.id)}


def _of_mail(session: Session, job: Job, mail: EmailMessage | None) -> list[dict[str, Any]]:
    """An unclear mail is decided with the mail's own verbs."""
    return offered(session, mail) if mail is not None and job.status is JobStatus.UNCERTAIN else []


# ---------------------------------------------------------------------------------------------- figures


def cards(found: Figures) -> list[dict[str, Any]]:
    """The large numbers {label, value, tone}: how late, and how many of each trouble."""
    age = found.oldest_due_age_s
    late = age is not None and age > job_console.LATE_AFTER_S
    told = "–" if age is None else formats.duration(int(age))
    return [
        {"label": gettext("Oldest due job waits"), "value": told, "tone": "bad" if late else ""},
        {"label": gettext("Uncertain"), "value": _count(found.uncertain), "tone": "warn" if found.uncertain else ""},
        {"label": gettext("Dead"), "value": _count(found.dead), "tone": "bad" if found.dead else ""},
        {"label": gettext("Late"), "value": _count(found.late), "tone": "bad" if found.late else ""},
        {"label": gettext("Held"), "value": _count(found.held), "tone": "warn" if found.held else ""},
        {"label": gettext("Finished within the hour"), "value": formats.number(sum(found.finished)), "tone": ""},
    ]


def _count(number: int) -> str:
    more = "+" if number >= job_console.MOST_COUNTED else ""
    return formats.number(number) + more


def queues(found: Figures) -> list[dict[str, Any]]:
    return [
        {"label": job_words.queue(q.name), "waiting": q.waiting, "running": q.running, "late": q.late}
        for q in found.queues
    ]


def processes(found: Figures) -> list[dict[str, Any]]:
    """Workers and schedulers {name, role, heard, age}."""
    return [
        {
            "name": p.name,
            "role": job_words.role(p.role),
            "heard": p.is_heard,
            "age": gettext("%(span)s ago", span=formats.duration(int(p.age_s))),
        }
        for p in found.processes
    ]


def worker_heard(found: Figures) -> bool:
    return any(p.role == "worker" and p.is_heard for p in found.processes)


def chart(found: Figures) -> dict[str, Any]:
    """Bars {x, y, height, title} of the last hour's minutes, gridlines, and the same as sums of ten minutes."""
    most = _round_up(max(found.finished))
    bars = []
    for minute, count in enumerate(found.finished):
        height = round(count / most * HEIGHT, 1)
        ago = len(found.finished) - 1 - minute
        told = gettext("%(minutes)s minutes ago: %(count)s", minutes=ago, count=count)
        bars.append({"x": minute * 10 + 1, "y": HEIGHT - height, "height": height, "title": told})
    grid = [{"y": HEIGHT - HEIGHT * part / 4, "label": formats.number(most * part // 4)} for part in range(5)]
    sums = [
        {
            "label": gettext("%(from)s–%(to)s minutes ago", **{"from": 60 - begin, "to": 50 - begin}),
            "count": sum(found.finished[begin : begin + 10]),
        }
        for begin in range(0, 60, 10)
    ]
    return {"bars": bars, "grid": grid, "sums": sums, "most": most, "width": len(bars) * 10, "height": HEIGHT}


def _round_up(number: int) -> int:
    """The next of 4, 8, 20, 40, 80, 200 …: four even gridlines."""
    step = 4
    while step < number:
        step = step * 5 // 2 if str(step)[0] == "8" else step * 2
    return step


# ---------------------------------------------------------------------------------------------- on the job's page


@record_part(Job, "crm/job_part.html")
def of_job(session: Session, job: Job) -> dict[str, Any]:
    """Progress, cause and steps, on the page of the job itself; renewed while there is something to come."""
    events = job_console.events_of(session, [job.id])[job.id]
    shown = row(session, job, events, _mails(session, [job.id]).get(job.id))
    return {"job": shown, "live_url": paths.to("jobs", job.id, "live") if job.status in _LIVE else ""}
