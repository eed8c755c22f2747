"""A task tells its reminders; a list of tasks does when it is asked to, by one select for all of them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from crm.actor import Scope
from crm.models.task import Task
from tests.factories import make

SOON, LATER = "2046-01-01T08:00:00Z", "2046-01-02T08:00:00Z"


@pytest.fixture
def task(admin: Any) -> dict[str, Any]:
    """A task with two reminders, the later one named first."""
    sent = [{"remindAt": LATER, "channel": "email"}, {"offsetMinutes": 60, "channel": "app"}]
    answer = admin.post("/tasks", {"title": "Call", "dueAt": "2046-01-01T09:00:00Z", "reminders": sent})
    made: dict[str, Any] = answer.json()["data"]
    return made


def test_a_task_tells_its_reminders_by_moment(admin: Any, task: dict[str, Any]) -> None:
    shown = admin.data(f"/tasks/{task['id']}")
    assert shown == task
    told = [{k: v for k, v in reminder.items() if k != "id"} for reminder in shown["reminders"]]
    assert told == [
        {"userId": admin.user_id, "remindAt": SOON, "offsetMinutes": 60, "channel": "app", "state": "waiting"},
        {"userId": admin.user_id, "remindAt": LATER, "offsetMinutes": None, "channel": "email", "state": "waiting"},
    ]
    changed = admin.put(f"/tasks/{task['id']}", {"reminders": []}).json()["data"]
    assert changed["reminders"] == admin.data(f"/tasks/{task['id']}")["reminders"] == []
    done = admin.post(f"/tasks/{task['id']}/complete").json()["data"]
    assert done["reminders"] == []


def test_with_fields_or_in_a_list_they_are_there_when_they_are_asked_for(admin: Any, task: dict[str, Any]) -> None:
    path = f"/tasks/{task['id']}"
    assert admin.data(f"{path}?fields=title") == {"id": task["id"], "title": "Call"}
    both = admin.data(f"{path}?fields=title&include=assignee,reminders")
    assert both.keys() == {"id", "title", "assignee", "reminders"}
    mine = f"/tasks?id={task['id']}"
    assert "reminders" not in admin.data(mine)["list"][0]
    assert admin.data(f"{mine}&include=reminders")["list"] == [task]
    assert admin.data("/tasks?include=reminders&id=0")["list"] == []
    for wrong in ("include=reminders,nobody", "include=reminders&include=assignee", "include=reminder"):
        assert admin.get(f"/tasks?{wrong}").json()["errors"][0]["field"] == "include"


def test_a_list_reads_all_reminders_at_once(world: Any, admin: Any, system_session: Any) -> None:
    with system_session() as session:
        made = [make(Task, session).id for _ in range(5)]
    for key in made:
        admin.put(f"/tasks/{key}", {"reminders": [{"remindAt": SOON}]})
    asked: list[str] = []

    def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        rows = admin.data(f"/tasks?id[in]={','.join(map(str, made))}&include=reminders")["list"]
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    assert all(len(row["reminders"]) == 1 for row in rows)
    assert len([text for text in asked if "FROM reminder" in text]) == 1


def test_reminders_of_others_are_shown_to_those_who_may_see_them(admin: Any, caller: Any, task: Any) -> None:
    everything = caller(view_tasks=Scope.ALL, view_reminders=Scope.ALL)
    assert everything.data(f"/tasks/{task['id']}")["reminders"] == task["reminders"]
    for stranger in (caller(view_tasks=Scope.ALL, view_reminders=Scope.OWN), caller(view_tasks=Scope.ALL)):
        assert stranger.data(f"/tasks/{task['id']}")["reminders"] == []
