"""When a schedule fires, in words, and what it did: on its page, and beside the form while it is typed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel import dates
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from crm import formats, zones
from crm.admin import job_words, labels, pages, paths
from crm.admin.record_parts import record_part
from crm.admin.visitor import actor_of
from crm.columns import now
from crm.entity import permission
from crm.errors import BadInput, Forbidden
from crm.i18n import current, error_text, gettext
from crm.models.job import Job
from crm.models.schedule import Schedule
from crm.models.user import User
from crm.names import words
from crm.services import schedules
from crm.services.fire_times import Timing
from crm.services.fire_words import in_words
from crm.services.payload_fields import PAYLOADS

COUNT = 5
_FIRE = {"en": "EEE d MMM y, HH:mm", "zh": "y-MM-dd EEE HH:mm"}


@record_part(Schedule, "crm/schedule_part.html")
def of_schedule(session: Session, schedule: Schedule) -> dict[str, Any]:
    """{kind, words, zone, enabled, next, payload, jobs} of one schedule."""
    zone = _zone(schedule.timezone)
    timing = schedules.timing_of(schedule, zone.key)
    return {
        "kind": job_words.kind(schedule.kind),
        "words": in_words(timing),
        "zone": zone.key,
        "enabled": schedule.enabled,
        "next": _fires(schedules.coming(schedule, zone=zone.key, count=COUNT), zone, timing),
        "payload": _payload(session, schedule),
        "draws": ("payload",) if schedule.kind in PAYLOADS else (),
        "jobs": [_job(job) for job in schedules.jobs_of(session, schedule)],
    }


def _payload(session: Session, schedule: Schedule) -> list[dict[str, str]]:
    """{label, text} of each field that the kind's payload has."""
    told = []
    for one in PAYLOADS.get(schedule.kind, ()):
        value = schedule.payload.get(one.name, one.default)
        if one.shape == "users":
            named = labels.resolve(session, User, value or ())
            value = formats.listed(label.text for label in named.values()) or "–"
        told.append({"label": gettext(one.label), "text": gettext(words(str(value))) if one.options else str(value)})
    return told


async def preview(request: Request) -> Response:
    """What the form's timing means: a small piece of a page."""
    if not actor_of(request).may(permission(Schedule, "view")):
        raise Forbidden("Forbidden")
    return pages.render(request, "crm/schedule_preview.html", {"part": _tried(request.query_params)})


def _tried(asked: Any) -> dict[str, Any]:
    interval = str(asked.get("interval_s") or "").strip()
    seconds = int(interval) if interval.isascii() and interval.isdigit() and len(interval) < 10 else None
    zone, moment = _zone(str(asked.get("timezone") or "")), now()
    timing = Timing(str(asked.get("cron") or "").strip()[:120], seconds, zone.key)
    try:
        timing.check()
    except BadInput as error:
        return {"error": error_text(error.errors[0]) if error.errors else error_text(error)}
    coming = timing.coming(moment, COUNT, since=moment)
    return {"words": in_words(timing), "zone": zone.key, "next": _fires(coming, zone, timing)}


def _zone(name: str) -> ZoneInfo:
    return zones.zone(name)


def _fires(coming: Sequence[datetime], zone: ZoneInfo, timing: Timing) -> list[dict[str, str]]:
    """{iso, text} in the schedule's zone; with seconds where the rhythm has them."""
    pattern = _FIRE[current()] + (":ss" if (timing.interval_s or 60) % 60 else "")
    shown = [dates.format_datetime(fire, pattern, tzinfo=zone, locale=current()) for fire in coming]
    return [{"iso": fire.isoformat(), "text": text} for fire, text in zip(coming, shown, strict=True)]


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "url": paths.details_of(Job, job.id),
        "status": str(job.status),
        "label": job_words.status(job.status),
        "when": formats.ago(job.run_at),
        "cause": job_words.cause(job),
    }
