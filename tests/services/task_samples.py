"""A task as the tests make it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from crm.columns import now
from crm.db import CrmSession
from crm.models import Task
from crm.services import records
from tests import factories

SOON = now().replace(microsecond=0) + timedelta(days=1)


def task(session: CrmSession, **values: Any) -> Task:
    values.setdefault("assignee_id", factories.user(session).id)
    made: Task = records.create(session, Task, {"title": "Call", **values})
    return made
