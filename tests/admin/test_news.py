"""The bell of the panel, opening news, and the page of preferences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from crm.actor import Scope
from crm.columns import now
from crm.models import Notification, Reminder, User
from crm.models.reminder import ReminderState
from crm.services import notification_preferences, notifications, reminder_news
from crm.services.notification_preferences import Wish
from tests import factories

OWN = {"view_notifications": Scope.OWN, "read_notification": Scope.OWN}
WISHES = {
    f"{verb}_notification_preference{'s' if verb == 'view' else ''}": Scope.OWN for verb in ("view", "create", "update")
}


@pytest.fixture
def reader(visitor: Callable[..., Any], as_system: Any) -> Any:
    made = visitor(**OWN, **WISHES)
    with as_system() as session:
        user = session.get(User, made.user_id)
        for title in ("First <b>", "Second"):
            notifications.tell(session, user, kind="assigned", title=title, key=title, link="/admin/task/list")
    return made


def test_the_bell_counts_and_shows_what_is_new(reader: Any) -> None:
    assert reader.get("/news/latest?count=1").json() == {"unread": 2}
    page = reader.get("/news/latest").text
    assert "First &lt;b&gt;" in page
    assert page.index("Second") < page.index("First")


def test_opening_one_marks_it_and_leads_to_the_record(reader: Any, as_system: Any, visitor: Callable[..., Any]) -> None:
    with as_system() as session:
        key = session.query(Notification).filter_by(title="Second").one().id
    other = visitor(**OWN)
    assert other.post(f"/news/{key}/open").status_code == 404
    answer = reader.post(f"/news/{key}/open")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/task/list")
    assert reader.get("/news/latest?count=1").json() == {"unread": 1}
    assert reader.post("/news/read-all").status_code == 303
    assert reader.get("/news/latest?count=1").json() == {"unread": 0}
    assert reader.get(f"/news/{key}/open").status_code in (404, 405)


def test_preferences_are_kept_as_they_are_ticked(reader: Any, as_system: Any) -> None:
    form = reader.form("/preferences")
    assert "app-assigned" in form
    del form["app-assigned"]
    answer = reader.post("/preferences", {**form, "mail-mentioned": "on"})
    assert answer.status_code == 303
    with as_system() as session:
        wishes = notification_preferences.wishes(session, reader.user_id)
    assert wishes["assigned"] == Wish(in_app=False, by_mail=False)
    assert wishes["mentioned"] == Wish(in_app=True, by_mail=True)
    assert wishes["job_failed"] == Wish(in_app=True, by_mail=True)


@pytest.fixture
def reminded(visitor: Callable[..., Any], as_system: Any) -> tuple[Any, int, int]:
    """Somebody who was told of a reminder: the visitor, the notification and the reminder."""
    made = visitor(**OWN, snooze_notification=Scope.OWN)
    with as_system() as session:
        values = {"user_id": made.user_id, "subject": "Call Bo", "remind_at": now() - timedelta(minutes=1)}
        reminder = factories.make(Reminder, session, **values).id
        reminder_news.tell(session, reminder)
        key = session.query(Notification).filter_by(user_id=made.user_id).one().id
    return made, key, reminder


def test_a_reminder_is_put_off_from_the_bell(reminded: tuple[Any, int, int], as_system: Any) -> None:
    reader, key, reminder = reminded
    before = now()
    for times, wait in enumerate(("ten_minutes", "one_hour", "tomorrow_morning"), start=1):
        for path in ("/news/latest", "/news"):
            page = reader.page(path)
            assert f'action="/admin/notification/do/{key}/snooze"' in page
            assert f'name="wait" value="{wait}"' in page
        answer = reader.post(f"/notification/do/{key}/snooze", {"wait": wait, "back": "/admin/news"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/news")
        with as_system() as session:
            held = session.get(Reminder, reminder)
            assert (held.state, held.snoozes) == (ReminderState.WAITING, times)
            assert held.remind_at > before
            assert session.get(Notification, key).read_at is not None


def test_what_reminds_of_nothing_or_is_somebody_elses_is_not_put_off(
    reminded: tuple[Any, int, int], reader: Any, visitor: Callable[..., Any]
) -> None:
    _, key, _ = reminded
    assert "/snooze" not in reader.page("/news")
    other = visitor(**OWN, snooze_notification=Scope.OWN)
    assert other.post(f"/notification/do/{key}/snooze", {"wait": "one_hour"}).status_code == 404
    assert visitor(**OWN).post(f"/notification/do/{key}/snooze", {"wait": "one_hour"}).status_code == 403
    token = {"csrf_token": "x"}
    assert reminded[0].post(f"/notification/do/{key}/snooze", {"wait": "one_hour", **token}).status_code == 403


def test_all_are_marked_as_read_and_one_stays_where_one_was(reader: Any) -> None:
    assert 'value="/admin/news"' in reader.page("/news")
    answer = reader.post("/news/read-all", {"back": "/admin/task/list?page=2"})
    assert answer.headers["location"] == "/admin/task/list?page=2"
    assert "read-all" not in reader.page("/news")
    assert reader.post("/news/read-all", {"back": "https://evil.example"}).headers["location"].startswith("/admin/")
