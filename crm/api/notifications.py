"""`/api/notifications` beyond the generated routes: how many are unread, and all of them read."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.api.call import Call
from crm.api.envelope import Answer, success
from crm.api.json_schema import COUNT, record
from crm.api.routing import Endpoint, Method
from crm.entity import permission
from crm.models.notification import Notification
from crm.services import notifications

_VIEW = permission(Notification, "view") or ""
_READ = permission(Notification, "read") or ""


def routes() -> list[Endpoint]:
    count = Method(
        _count,
        _VIEW,
        "How many of the caller's own notifications are unread.",
        data=record(unread=COUNT),
        tag="Notifications",
        operation_id="countUnreadNotifications",
    )
    read = Method(
        _read_all,
        _READ,
        "Mark all of the caller's own notifications as read.",
        data=record(read=COUNT),
        tag="Notifications",
        operation_id="readAllNotifications",
    )
    return [
        Endpoint("/notifications/unread-count", {"GET": count}),
        Endpoint("/notifications/read-all", {"POST": read}),
    ]


async def _count(call: Call) -> Answer:
    return success({"unread": await call.read(notifications.unread)})


async def _read_all(call: Call) -> Answer:
    def work(session: Session) -> Answer:
        return success({"read": notifications.read_all(session)})

    return await call.write(work)
