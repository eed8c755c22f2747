"""The job console shows what needs somebody, and its buttons do what they say, for those who may."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from crm.actor import Scope
from crm.columns import now
from crm.jobs import enqueue, presence
from crm.models import AuditEntry, Job, Restoration
from crm.models.job import JobStatus
from crm.services import emails
from tests.admin.conftest import Visitor


def make(as_system: Any, key: str, **values: Any) -> int:
    with as_system() as session:
        number = enqueue(session, "report.mail", key=key, queue="reports")
        assert number is not None
        changed = update(Job).where(Job.id == number).values(id=number, **values)
        session.execute(changed, execution_options={"unscoped": True})
        return number


def status(as_system: Any, number: int) -> str:
    with as_system() as session:
        return str(session.get_one(Job, number).status)


def test_dead_uncertain_and_late_jobs_stand_there_with_their_cause(admin: Visitor, as_system: Any) -> None:
    make(as_system, "d", status=JobStatus.DEAD, last_error="The report broke", finished_at=now())
    make(as_system, "u", status=JobStatus.UNCERTAIN, last_error="Silence")
    make(as_system, "l", run_at=now() - timedelta(minutes=5))
    for path in ("/jobs", "/jobs/live"):
        page = admin.page(path)
        for told in ("The report broke", "Silence", "no worker is heard from", "Due for 5 minutes", "0 of 10"):
            assert told in page
        assert page.index("Silence") < page.index("The report broke") < page.index("Due for")
    assert '<span class="count">3</span>' in admin.page("/")


def test_an_idle_console_says_so_and_names_the_workers(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        presence.beat(session.connection(), process="host:7", role="worker")
    page = admin.page("/jobs")
    for told in ("No job is dead, uncertain or late.", "host:7", "Nothing runs at this moment."):
        assert told in page
    assert "No worker has been heard from" not in page


def test_progress_is_drawn(admin: Visitor, as_system: Any) -> None:
    running = {"status": JobStatus.RUNNING, "progress_done": 3, "progress_total": 10, "progress_note": "Third of ten"}
    number = make(as_system, "r", started_at=now(), **running)
    for path in ("/jobs", f"/job/details/{number}", f"/jobs/{number}/live"):
        page = admin.page(path)
        assert '<progress value="3" max="10"' in page
        assert "Third of ten" in page
    assert "<h1>Mail a report</h1>" in admin.page(f"/job/details/{number}")


def test_a_dead_job_is_run_again_from_the_console(admin: Visitor, as_system: Any) -> None:
    number = make(as_system, "d", status=JobStatus.DEAD)
    action = re.search(r'action="/admin(/job/do/\d+/retry)"', admin.page("/jobs"))
    assert action is not None
    answer = admin.post(action[1], {"back": "/admin/jobs"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/jobs")
    assert status(as_system, number) == "queued"
    with as_system() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.entity == "job")).all()
        assert (entry.action, entry.actor_id) == ("retry", admin.user_id)


def test_a_button_leads_nowhere_else(admin: Visitor, as_system: Any) -> None:
    number = make(as_system, "d", status=JobStatus.DEAD)
    answer = admin.post(f"/job/do/{number}/cancel", {"back": "https://evil.example/"})
    assert answer.headers["location"] == f"/admin/job/details/{number}"


def test_looking_needs_the_permission_and_acting_another(
    visitor: Callable[..., Visitor], stranger: Visitor, as_system: Any
) -> None:
    number = make(as_system, "d", status=JobStatus.DEAD)
    looking = visitor(view_jobs=Scope.ALL)
    page = looking.page("/jobs")
    assert f"/job/do/{number}/" not in page
    assert looking.post(f"/job/do/{number}/retry").status_code == 403
    nobody = visitor()
    assert nobody.get("/jobs").status_code == nobody.get("/jobs/live").status_code == 403
    assert 'class="count"' not in nobody.page("/")
    assert stranger.get("/jobs/live").status_code == 303
    assert status(as_system, number) == "dead"


def test_a_get_changes_nothing(admin: Visitor, as_system: Any) -> None:
    number = make(as_system, "d", status=JobStatus.DEAD)
    admin.get(f"/job/do/{number}/retry")
    assert status(as_system, number) == "dead"


def test_a_restored_copy_says_so_on_every_page_until_it_is_released(
    admin: Visitor, visitor: Callable[..., Visitor], as_system: Any
) -> None:
    with as_system() as session:
        session.add(Restoration(archive="b", made_at=now(), held=0))
        session.flush()
        number = emails.queue(session, to="a@b.example", subject="S", text="T", key="k").job_id
    said = "This is a restored copy: mail is held.</span>"
    assert f'{said} <a href="/admin/jobs">' in admin.page("/")
    assert f"{said}</p>" in visitor(view_contacts=Scope.OWN).page("/")
    assert '<span class="pill warn">' in admin.page("/outbox?state=ready").partition('class="mails"')[2]
    action = re.search(r'action="/admin(/restoration/do/\d+/release)"', admin.page("/jobs"))
    assert action is not None
    assert admin.post(action[1], {"back": "/admin/jobs"}).status_code == 303
    assert "restored copy" not in admin.page("/")
    assert number is not None
    assert status(as_system, number) == "queued"
