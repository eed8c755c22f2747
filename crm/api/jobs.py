"""`/api/jobs`: the generated routes; a single job tells its progress and its diary too, and `/summary` all figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import orjson
from sqlalchemy.orm import Session

from crm.api import query
from crm.api.call import Call
from crm.api.envelope import JSON_OPTIONS, Answer, success
from crm.api.json_schema import COUNT, FLAG, INSTANT, NUMBER, TEXT, either, many, record
from crm.api.openapi_records import record_schema
from crm.api.resources import Resource
from crm.api.routing import Endpoint, Method
from crm.entity import Operation, permission
from crm.models.job import Job
from crm.models.job_event import JobEvent
from crm.services import job_console
from crm.services.job_console import Figures

SECONDS = {"type": "number", "minimum": 0}
PROGRESS = record(done=either(COUNT), total=either(COUNT), note=TEXT)
EVENT = record(id=NUMBER, at=INSTANT, fromStatus=TEXT, toStatus=TEXT, attempt=COUNT, actor=TEXT, note=TEXT)
SUMMARY = record(
    at=INSTANT,
    oldestDueAgeS=either(SECONDS),
    dead=COUNT,
    uncertain=COUNT,
    late=COUNT,
    held=COUNT,
    finishedPerMinute=many(COUNT),
    queues=many(record(name=TEXT, waiting=COUNT, running=COUNT, late=COUNT)),
    processes=many(record(name=TEXT, role=TEXT, ageS=SECONDS, heard=FLAG)),
)


def routes() -> list[Endpoint]:
    summary = Method(
        _summary,
        permission(Job, "view") or "",
        "How the queues stand: the oldest due job's age, what needs a human, throughput, and who works.",
        data=SUMMARY,
        errors=(401, 403),
        tag="Automation",
        operation_id="getJobSummary",
    )
    return [Endpoint("/jobs/summary", {"GET": summary}), *Jobs(Job).routes()]


class Jobs(Resource):
    """The generated routes; `progress` and `events` stand beside the fields of one job."""

    def _method(self, action: str, run: Callable[..., Any], operation: Operation | None = None) -> Method:
        made = super()._method(action, run, operation)
        if action != "get":
            return made
        own = record_schema(self.model)
        return replace(
            made, data={**own, "properties": own["properties"] | {"progress": PROGRESS, "events": many(EVENT)}}
        )

    async def get(self, call: Call) -> Answer:
        answer = await super().get(call)
        if "fields" in query.pairs(call.query):
            return answer
        body = orjson.loads(answer.body)
        job = body["data"]
        job["progress"] = {"done": job["progressDone"], "total": job["progressTotal"], "note": job["progressNote"]}
        job["events"] = await call.read(_events, job["id"])
        return replace(answer, body=orjson.dumps(body, option=JSON_OPTIONS))


def _events(session: Session, key: int) -> list[dict[str, Any]]:
    return [_told(event) for event in job_console.events_of(session, [key])[key]]


def _told(event: JobEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.created_at,
        "fromStatus": event.from_status,
        "toStatus": event.to_status,
        "attempt": event.attempt,
        "actor": event.actor,
        "note": event.note,
    }


async def _summary(call: Call) -> Answer:
    found: Figures = await call.read(job_console.figures)
    return success(
        {
            "at": found.at,
            "oldestDueAgeS": found.oldest_due_age_s,
            "dead": found.dead,
            "uncertain": found.uncertain,
            "late": found.late,
            "held": found.held,
            "finishedPerMinute": list(found.finished),
            "queues": [asdict(queue) for queue in found.queues],
            "processes": [
                {"name": p.name, "role": p.role, "ageS": round(p.age_s, 1), "heard": p.is_heard}
                for p in found.processes
            ],
        }
    )
