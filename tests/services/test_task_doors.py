"""Tasks with their reminders at the API's door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from crm.actor import Scope
from crm.columns import now
from crm.models import Reminder
from crm.services import reminder_news
from tests.clients import World, admin, world

#: of a day that lies ahead
NOON = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}T12:00:00Z"
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
    later = {"reminders": [{"remindAt": "2046-12-01T08:00:00+08:00"}]}
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


def test_reminders_before_the_due_date_and_a_recurrence_are_sent_with_a_task(world: World, admin: Any) -> None:
    body = {"title": "Call", "dueAt": NOON, "reminders": [{"offsetMinutes": 60}], "recurrence": {"rrule": "FREQ=DAILY"}}
    made = admin.post("/tasks", body)
    assert made.status_code == 200, made.text
    task = made.json()["data"]
    found = admin.data("/reminders?recordType=task&state=waiting")["list"]
    assert [(one["offsetMinutes"], one["kind"]) for one in found] == [(60, "task")]
    assert admin.data(f"/task-series/{task['seriesId']}")["rrule"] == "FREQ=DAILY"
    assert admin.post(f"/tasks/{task['id']}/complete").status_code == 200
    assert admin.data(f"/tasks?seriesId={task['seriesId']}&overdue=false")["pagination"]["total"] == 2


def test_what_is_wrong_with_a_recurrence_or_an_offset_is_named(world: World, admin: Any) -> None:
    for sent, field in (
        ({"recurrence": {"rrule": "FREQ=SECONDLY"}}, "rrule"),
        ({"recurrence": {"rrule": "FREQ=DAILY", "mode": "never"}}, "recurrence.mode"),
        ({"reminders": [{"offsetMinutes": -1}]}, "reminders.0.offsetMinutes"),
        ({"reminders": [{"offsetMinutes": 1, "remindAt": NOON}]}, "reminders.0"),
        ({"checklist": [{"text": ""}]}, "checklist.0.text"),
        ({"dueDate": "2026-11-30"}, "dueDate"),
    ):
        refused = admin.post("/tasks", {"title": "Call", "dueAt": NOON, **sent})
        assert refused.status_code == 400, sent
        assert refused.json()["errors"][0]["field"] == field


def test_overdue_is_told_and_can_be_asked_for(world: World, admin: Any) -> None:
    late, soon = (
        admin.post("/tasks", {"title": "Call", "dueDate": day}).json()["data"] for day in ("2020-01-01", "2090-01-01")
    )
    assert (late["overdue"], soon["overdue"]) == (True, False)
    asked = {
        q: [task["id"] for task in admin.data(f"/tasks?{q}")["list"]] for q in ("overdue=true", "overdue[ne]=true")
    }
    assert asked == {"overdue=true": [late["id"]], "overdue[ne]=true": [soon["id"]]}
    assert admin.get("/tasks?overdue=perhaps").status_code == 400


def test_a_step_is_ticked_off_by_whoever_may(world: World) -> None:
    own = Scope.OWN
    clerk = world.caller(view_tasks=own, create_task=own, tick_task=own)
    number = clerk.post("/tasks", {"title": "Call", "checklist": [{"text": "Dial"}]}).json()["data"]["id"]
    done = clerk.post(f"/tasks/{number}/tick", {"step": 0}).json()["data"]
    assert done["checklist"] == [{"done": True, "text": "Dial"}]
    assert clerk.post(f"/tasks/{number}/tick", {"step": 1}).status_code == 400
    assert world.caller(view_tasks=Scope.ALL).post(f"/tasks/{number}/tick", {"step": 0}).status_code == 403


def test_whoever_closes_a_task_of_a_series_need_not_be_allowed_to_make_one(world: World, admin: Any) -> None:
    own = Scope.OWN
    clerk = world.caller(view_tasks=own, complete_task=own)
    body = {"title": "Call", "dueDate": "2026-11-30", "assigneeId": clerk.user_id}
    made = admin.post("/tasks", {**body, "recurrence": {"rrule": "FREQ=DAILY"}}).json()["data"]
    assert clerk.post(f"/tasks/{made['id']}/complete").status_code == 200
    assert clerk.data("/tasks?status=not_started")["pagination"]["total"] == 1


def test_a_reminder_is_put_off_at_the_api_and_from_its_notification(world: World) -> None:
    own = Scope.OWN
    clerk = world.caller(
        view_reminders=own,
        create_reminder=own,
        snooze_reminder=own,
        view_notifications=own,
        snooze_notification=own,
    )
    number = clerk.post("/reminders", {"subject": "Call", "remindAt": "2026-01-01T09:00:00Z"}).json()["data"]["id"]
    with world.session() as session:
        reminder_news.tell(session, number)
    (news,) = clerk.data("/notifications")["list"]
    for path, body in (
        (f"/reminders/{number}", {"minutes": 10}),
        (f"/notifications/{news['id']}", {"wait": "one_hour"}),
    ):
        assert clerk.post(f"{path}/snooze", body).status_code == 200
    found = clerk.data(f"/reminders/{number}")
    assert (found["state"], found["snoozes"]) == ("waiting", 2)
    assert clerk.data(f"/notifications/{news['id']}")["readAt"] is not None
    for wrong in ({}, {"minutes": 0}, {"minutes": 5, "wait": "one_hour"}, {"until": "2020-01-01T00:00:00Z"}):
        assert clerk.post(f"/reminders/{number}/snooze", wrong).status_code == 400, wrong


def test_a_reopened_task_reminds_again_of_what_is_still_to_come(world: World, admin: Any) -> None:
    moments = [(now() + timedelta(days=day)).isoformat() for day in (1, 2)]
    body = {"title": "Call", "reminders": [{"remindAt": moment} for moment in moments]}
    number = admin.post("/tasks", body).json()["data"]["id"]
    admin.post(f"/tasks/{number}/complete")
    assert [state for _, state, _ in reminders(world, number)] == ["cancelled", "cancelled"]
    assert admin.post(f"/tasks/{number}/reopen").status_code == 200
    assert [state for _, state, _ in reminders(world, number)] == ["waiting", "waiting"]
