"""Tasks with their reminders at the API's door."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from crm.actor import Scope
from crm.models import Reminder
from tests.clients import World, admin, world

NOON = "2026-11-30T12:00:00Z"
__all__ = ["admin", "world"]


def reminders(world: World, task_id: int) -> list[tuple[str, str, int]]:
    """Channel, state and user of a task's reminders, by moment."""
    with world.session() as session:
        rows = session.scalars(select(Reminder).filter_by(record_type="task", record_id=task_id))
        return [(r.channel.value, r.state.value, r.user_id) for r in sorted(rows, key=lambda r: r.remind_at)]


def test_a_task_is_made_with_its_reminders_and_changed_with_others(world: World, admin: Any) -> None:
    body = {"title": "Call", "reminders": [{"remindAt": NOON, "channel": "email"}]}
    made = admin.post("/tasks", body)
    assert made.status_code == 200, made.text
    number = made.json()["data"]["id"]
    assert reminders(world, number) == [("email", "waiting", admin.user_id)]
    later = {"reminders": [{"remindAt": "2026-12-01T08:00:00+08:00"}]}
    assert admin.put(f"/tasks/{number}", later).status_code == 200
    assert [(channel, state) for channel, state, _ in reminders(world, number)] == [
        ("email", "cancelled"),
        ("both", "waiting"),
    ]
    assert admin.data("/reminders?recordType=task&state=waiting")["pagination"]["total"] == 1


def test_wrong_reminders_are_named(world: World, admin: Any) -> None:
    refused = admin.post("/tasks", {"title": "Call", "reminders": [{"remindAt": "noon"}]})
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["reminders.0.remindAt"]


def test_reminders_need_their_own_permission(world: World) -> None:
    clerk = world.caller(view_tasks=Scope.OWN, create_task=Scope.OWN)
    assert clerk.post("/tasks", {"title": "Call"}).status_code == 200
    body = {"title": "Call", "reminders": [{"remindAt": NOON}]}
    assert clerk.post("/tasks", body).status_code == 403


def test_complete_and_reopen_are_operations(world: World) -> None:
    own = Scope.OWN
    clerk = world.caller(view_tasks=own, create_task=own, complete_task=own, reopen_task=own)
    number = clerk.post("/tasks", {"title": "Call", "progress": 20}).json()["data"]["id"]
    done = clerk.post(f"/tasks/{number}/complete").json()["data"]
    assert (done["status"], done["progress"]) == ("completed", 100)
    assert clerk.post(f"/tasks/{number}/complete").status_code == 409
    again = clerk.post(f"/tasks/{number}/reopen").json()["data"]
    assert (again["status"], again["completedAt"]) == ("in_progress", None)


def test_the_description_of_the_api_tells_of_reminders(world: World, admin: Any) -> None:
    text = world.client.get("/api/openapi.json").text
    assert "ReminderInput" in text
    assert "remindAt" in text


def test_a_schedule_that_cannot_run_is_refused_with_a_sentence(world: World, admin: Any) -> None:
    body = {"name": "Figures", "kind": "report.mail", "payload": {"report": "open_pipeline", "recipients": []}}
    refused = admin.post("/schedules", {**body, "cron": "at eight"})
    assert refused.status_code == 400
    assert refused.json()["message"].startswith("cron: must be five cron fields such as 0 8 * * mon")
    assert admin.post("/schedules", {**body, "cron": "0 8 * * mon"}).status_code == 200
