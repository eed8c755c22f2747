"""`/api/schedules/{id}/fires` and `/preview`: when a schedule fires in words, its next fires, and its last jobs."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from crm import access, i18n
from crm.api import query
from crm.api.call import Call
from crm.api.envelope import Answer, success
from crm.api.json_schema import INSTANT, NUMBER, TEXT, either, many, record
from crm.api.routing import Endpoint, Method, Parameter, Schema
from crm.columns import now
from crm.entity import permission
from crm.errors import invalid
from crm.models.job import Job
from crm.models.schedule import Schedule
from crm.services import schedules
from crm.services.fire_times import Timing
from crm.services.fire_words import in_words

COUNT = 5
LONGEST_INTERVAL_S = 10 * 366 * 86_400
JOB = record(id=NUMBER, key=TEXT, status=TEXT, runAt=INSTANT, finishedAt=either(INSTANT), lastError=TEXT)
PREVIEW = record(words=TEXT, timezone=TEXT, next=many(INSTANT))
FIRES = record(words=TEXT, timezone=TEXT, next=many(INSTANT), last=many(JOB))
_SECONDS: Schema = {"type": "integer", "minimum": 1, "maximum": LONGEST_INTERVAL_S}
_ASKED = (
    Parameter("cron", "Five cron fields."),
    Parameter("intervalS", "Seconds between two fires, instead of cron.", _SECONDS),
    Parameter("timezone", "Zone of the cron fields; empty: the system's."),
)


def routes() -> list[Endpoint]:
    view = permission(Schedule, "view") or ""
    preview = Method(
        _preview,
        view,
        "When cron fields or an interval fire: in words, and the next five times.",
        parameters=_ASKED,
        data=PREVIEW,
        errors=(400, 401, 403),
        tag="Automation",
        operation_id="previewSchedule",
    )
    fires = Method(
        _fires,
        view,
        "When a schedule fires in words, its next five fires, and the jobs of its last ten.",
        data=FIRES,
        errors=(401, 403, 404),
        tag="Automation",
        operation_id="getScheduleFires",
    )
    return [Endpoint("/schedules/preview", {"GET": preview}), Endpoint("/schedules/{id}/fires", {"GET": fires})]


async def _fires(call: Call) -> Answer:
    zone = call.context.settings.timezone

    def read(session: Session) -> dict[str, Any]:
        schedule = access.find(session, Schedule, call.number("id", "Schedule"))
        coming = schedules.coming(schedule, zone=zone, count=COUNT)
        last = [_job(job) for job in schedules.jobs_of(session, schedule)]
        return {**_told(call, schedules.timing_of(schedule, zone)), "next": coming, "last": last}

    return success(await call.read(read))


async def _preview(call: Call) -> Answer:
    asked = query.pairs(call.query)
    for name in asked.keys() - {parameter.name for parameter in _ASKED}:
        raise invalid(name, "is not a known parameter")
    interval = _interval(asked.get("intervalS", ""))
    zone = asked.get("timezone") or call.context.settings.timezone
    timing = Timing(asked.get("cron", "").strip(), interval, zone)
    timing.check()
    moment = now()
    return success({**_told(call, timing), "next": timing.coming(moment, COUNT, since=moment)})


def _interval(text: str) -> int | None:
    return query.whole("intervalS", text, LONGEST_INTERVAL_S) if text else None


def _told(call: Call, timing: Timing) -> dict[str, Any]:
    with i18n.using(i18n.negotiate(accept=call.header(b"accept-language") or "")):
        return {"words": in_words(timing), "timezone": timing.zone}


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "key": job.dedupe_key,
        "status": job.status.value,
        "runAt": job.run_at,
        "finishedAt": job.finished_at,
        "lastError": job.last_error,
    }
