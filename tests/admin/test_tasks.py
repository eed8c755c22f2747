"""Tasks in the panel: steps that are ticked off, reminders and recurrence in the form, series in words."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select

from crm.actor import Scope
from crm.columns import now
from crm.models import Reminder, Task, TaskSeries, User
from crm.models.reminder import ReminderState
from crm.services import records, reminders
from tests import factories
from tests.admin.conftest import Visitor

STEPS = [{"text": "Dial", "done": False}, {"text": "Talk", "done": True}]


def task(as_system: Any, admin: Visitor, **values: Any) -> int:
    with as_system() as session:
        given = {"title": "Call", "assignee_id": admin.user_id, **values}
        return int(records.create(session, Task, given).id)


def stored(as_system: Any, key: int) -> Task:
    with as_system() as session:
        found: Task = session.get_one(Task, key)
        session.expunge(found)
        return found


def test_a_step_is_ticked_off_on_the_page(admin: Visitor, as_system: Any) -> None:
    key = task(as_system, admin, checklist=STEPS)
    page = admin.page(f"/task/details/{key}")
    assert page.count('role="checkbox"') == 2
    assert '"text":' not in page.partition("History")[0]
    assert admin.post(f"/task/do/{key}/tick", {"step": "0", "text": "Dial", "done": "1"}).status_code == 303
    assert admin.post(f"/task/do/{key}/tick", {"step": "1", "text": "Talk"}).status_code == 303
    assert [step["done"] for step in stored(as_system, key).checklist] == [True, False]


def test_who_may_not_tick_sees_the_steps_only(visitor: Any, admin: Visitor, as_system: Any) -> None:
    key = task(as_system, admin, checklist=STEPS)
    page = visitor(view_tasks=Scope.ALL).page(f"/task/details/{key}")
    assert "Dial" in page
    assert 'role="checkbox"' not in page


def test_steps_are_written_in_rows(admin: Visitor, as_system: Any) -> None:
    key = task(as_system, admin, checklist=STEPS)
    form = admin.form(f"/task/edit/{key}")
    changed = {**form, "checklist-text-0": "", "checklist-text-7": "Hang up", "checklist-done-7": "1"}
    assert admin.post(f"/task/edit/{key}", changed).status_code == 303
    assert stored(as_system, key).checklist == [{"text": "Talk", "done": True}, {"text": "Hang up", "done": True}]


def test_a_form_that_is_saved_untouched_changes_nothing(admin: Visitor, as_system: Any) -> None:
    key = task(as_system, admin, checklist=STEPS, due_date=date(2031, 11, 30))
    form = admin.form(f"/task/edit/{key}")
    chosen = {"reminders-minutes-60": "email", "reminders-channel": "email", "recurrence-rrule": "FREQ=MONTHLY"}
    assert admin.post(f"/task/edit/{key}", {**form, **chosen}).status_code == 303
    before = stored(as_system, key)
    assert admin.post(f"/task/edit/{key}", admin.form(f"/task/edit/{key}")).status_code == 303
    after = stored(as_system, key)
    assert after.version == before.version
    with as_system() as session:
        (reminder,) = reminders.waiting_for(session, after)
        assert (reminder.offset_minutes, reminder.channel) == (60, "email")
        assert session.get_one(TaskSeries, after.series_id).rrule == "FREQ=MONTHLY"


def test_a_task_is_made_with_reminders_and_recurrence(admin: Visitor, as_system: Any) -> None:
    form = admin.form("/task/create")
    chosen = {
        "title": "Report",
        "due_date": "2031-11-28",
        "assignee_id": str(admin.user_id),
        "reminders-minutes-0": "both",
        "reminders-minutes-1440": "both",
        "reminders-channel": "app",
        "recurrence-rrule": "FREQ=WEEKLY",
        "recurrence-mode": "after_completion",
    }
    answer = admin.post("/task/create", {**form, **chosen})
    assert answer.status_code == 303, answer.text
    page = admin.page(answer.headers["location"].removeprefix("/admin"))
    assert "1 day before" in page
    assert "Every week on Friday" in page
    with as_system() as session:
        found = session.scalars(select(Reminder).where(Reminder.state == ReminderState.WAITING)).all()
        assert {(one.offset_minutes, str(one.channel)) for one in found} >= {(0, "app"), (1440, "app")}


def test_what_is_wrong_with_a_recurrence_stands_at_its_input(admin: Visitor) -> None:
    form = admin.form("/task/create")
    answer = admin.post("/task/create", {**form, "title": "Report", "recurrence-rrule": "FREQ=WEEKLY"})
    assert answer.status_code == 400
    assert "needs a due date" in answer.text
    assert '<option selected value="FREQ=WEEKLY">' in answer.text


@pytest.mark.parametrize(
    ("language", "words", "day"),
    [("en", "Every month on the first Monday", "Monday 4 January 2027"), ("zh", "每月", "2027 年 1 月 4 日")],
)
def test_a_series_tells_its_rule_and_next_dates_in_words(
    admin: Visitor, as_system: Any, language: str, words: str, day: str
) -> None:
    with time_machine.travel("2026-11-01T09:00:00Z", tick=False), as_system() as session:
        values = {"title": "Report", "rrule": "FREQ=MONTHLY;BYDAY=1MO", "all_day": True}
        starts_at = datetime(2026, 11, 30, 9, tzinfo=UTC)
        made = factories.make(TaskSeries, session, **values, starts_at=starts_at, assignee_id=admin.user_id)
        key = made.id
        session.get_one(User, admin.user_id).locale = language
    page = admin.page(f"/task-series/details/{key}")
    assert words in page
    assert day in page


def test_overdue_tasks_are_one_click_away(admin: Visitor, as_system: Any) -> None:
    late, soon = (task(as_system, admin, title=f"Due {d}", due_date=d) for d in (date(2020, 1, 1), date(2099, 1, 1)))
    assert "?overdue=true" in admin.page("/task/list")
    page = admin.page("/task/list?overdue=true")
    assert f"/task/details/{late}" in page
    assert f"/task/details/{soon}" not in page
    assert "It was due: 1 Jan 2020" in admin.page(f"/task/details/{late}")


def test_a_reminder_is_put_off_by_a_choice_or_a_moment(admin: Visitor, as_system: Any) -> None:
    with as_system() as session:
        made = factories.make(Reminder, session, user_id=admin.user_id)
        session.get_one(User, admin.user_id).timezone = "Asia/Shanghai"
        key = made.id
    path = f"/reminder/do/{key}/snooze"
    assert '<option value="tomorrow_morning">Tomorrow, 08:00</option>' in admin.page(path)
    shanghai = ZoneInfo("Asia/Shanghai")
    day = now().astimezone(shanghai).date() + timedelta(days=3)
    assert admin.post(path, {"wait": "", "until": f"{day} 09:30"}).status_code == 303
    assert moment_of(as_system, key) == datetime.combine(day, time(9, 30), shanghai)
    assert admin.post(path, {"wait": "one_hour", "until": f"{day} 09:30"}).status_code == 400
    assert admin.post(path, {"wait": "tomorrow_morning"}).status_code == 303
    assert moment_of(as_system, key).astimezone(shanghai).time() == time(8)


def moment_of(as_system: Any, key: int) -> datetime:
    with as_system() as session:
        found: datetime = session.get_one(Reminder, key).remind_at
        return found
