"""The bell of the panel, opening news, and the page of preferences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crm.actor import Scope
from crm.models import Notification, User
from crm.services import notification_preferences, notifications
from crm.services.notification_preferences import Wish

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
