"""Notifications at the API: how many are unread, reading one and all, and one's own preferences."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import Scope
from crm.models import User
from crm.services import notifications

OWN = {"view_notifications": Scope.OWN, "read_notification": Scope.OWN}
WISHES = {
    f"{verb}_notification_preference{'s' if verb == 'view' else ''}": Scope.OWN for verb in ("view", "create", "update")
}


@pytest.fixture
def who(caller: Any) -> Any:
    return caller(**OWN, **WISHES)


def _tell(world: Any, user_id: int, *keys: str) -> None:
    with world.session() as session:
        user = session.get(User, user_id)
        for key in keys:
            notifications.tell(session, user, kind="assigned", title=key, key=f"{key}:{user_id}")


def test_what_is_unread_is_counted_and_marked(world: Any, who: Any, caller: Any) -> None:
    other = caller(**OWN)
    _tell(world, who.user_id, "a", "b", "c")
    _tell(world, other.user_id, "d")
    assert who.data("/notifications/unread-count") == {"unread": 3}
    found = who.data("/notifications?readAt[null]=true&sort=createdAt")["list"]
    assert [one["title"] for one in found] == ["a", "b", "c"]
    assert who.post(f"/notifications/{found[0]['id']}/read").status_code == 200
    assert other.post(f"/notifications/{found[1]['id']}/read").status_code == 404
    assert who.data("/notifications/unread-count") == {"unread": 2}
    assert who.post("/notifications/read-all").json()["data"] == {"read": 2}
    assert who.data("/notifications/unread-count") == {"unread": 0}
    assert other.data("/notifications/unread-count") == {"unread": 1}


def test_without_the_right_nothing_is_counted_or_marked(caller: Any, anybody: Any) -> None:
    nobody = caller()
    assert nobody.get("/notifications/unread-count").status_code == 403
    assert nobody.post("/notifications/read-all").status_code == 403
    assert anybody.get("/notifications/unread-count").status_code == 401


def test_preferences_are_ones_own_one_a_kind_and_of_kinds_there_are(who: Any, caller: Any) -> None:
    made = who.post("/notification-preferences", {"kind": "assigned", "byMail": True}).json()["data"]
    assert (made["userId"], made["inApp"], made["byMail"]) == (who.user_id, True, True)
    assert who.post("/notification-preferences", {"kind": "assigned"}).status_code in (400, 409)
    answer = who.post("/notification-preferences", {"kind": "weather"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "kind")
    assert caller(**WISHES).get(f"/notification-preferences/{made['id']}").status_code == 404
