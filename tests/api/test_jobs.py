"""The job console's figures over the API, and a job with its progress and its diary."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from crm.actor import Scope
from crm.jobs import enqueue, presence
from crm.models import Job
from crm.models.job import JobStatus
from tests.clients import World


def make(world: World, key: str, **values: Any) -> int:
    with world.session() as session:
        number = enqueue(session, "report.mail", key=key, queue="reports")
        assert number is not None
        changed = update(Job).where(Job.id == number).values(id=number, **values)
        session.execute(changed, execution_options={"unscoped": True})
        return number


def test_a_job_tells_its_progress_and_its_diary(world: World) -> None:
    number = make(world, "k", progress_done=3, progress_total=10, progress_note="Third of ten")
    job = world.admin().data(f"/jobs/{number}")
    assert job["progress"] == {"done": 3, "total": 10, "note": "Third of ten"}
    assert [(e["fromStatus"], e["toStatus"], e["actor"]) for e in job["events"]] == [("", "queued", "test")]
    assert world.admin().data(f"/jobs/{number}?fields=id,status") == {"id": number, "status": "queued"}


def test_the_summary_tells_how_the_queues_stand(world: World) -> None:
    make(world, "dead", status=JobStatus.DEAD)
    make(world, "waits")
    with world.session() as session:
        presence.beat(session.connection(), process="host:1", role="worker")
    found = world.admin().data("/jobs/summary")
    assert (found["dead"], found["uncertain"], found["late"], found["held"]) == (1, 0, 0, 0)
    assert found["oldestDueAgeS"] >= 0
    assert {q["name"]: q["waiting"] for q in found["queues"]} == {"default": 0, "mail": 0, "ai": 0, "reports": 1}
    assert [(p["name"], p["role"], p["heard"]) for p in found["processes"]] == [("host:1", "worker", True)]
    assert len(found["finishedPerMinute"]) == 60


def test_the_summary_needs_the_permission_to_view_jobs(world: World) -> None:
    assert world.caller().get("/jobs/summary").status_code == 403
    assert world.caller(view_jobs=Scope.OWN).data("/jobs/summary")["dead"] == 0


def test_a_dead_job_is_run_again_by_those_who_may(world: World) -> None:
    number = make(world, "k", status=JobStatus.DEAD)
    looking = world.caller(view_jobs=Scope.ALL)
    assert looking.post(f"/jobs/{number}/retry").status_code == 403
    acting = world.caller(view_jobs=Scope.ALL, retry_job=Scope.ALL)
    answer = acting.post(f"/jobs/{number}/retry")
    assert (answer.status_code, answer.json()["data"]["status"]) == (200, "queued")
    assert acting.post(f"/jobs/{number}/retry").status_code == 409
    (entry,) = [e for e in world.admin().data("/audit")["list"] if e["entity"] == "job"]
    assert (entry["action"], entry["actorId"]) == ("retry", acting.user_id)


def test_a_record_whose_versions_nobody_counts_bears_no_tag(world: World) -> None:
    number = make(world, "k", status=JobStatus.DEAD)
    assert "etag" not in world.admin().get(f"/jobs/{number}").headers
    answer = world.admin().post(f"/jobs/{number}/retry", headers={"if-match": '"v1"'})
    assert answer.status_code == 412
    assert world.admin().post(f"/jobs/{number}/retry", headers={"if-match": "*"}).status_code == 200
