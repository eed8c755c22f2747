"""Tasks: status, progress and completion agree, and their reminders follow them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import system
from crm.columns import now
from crm.db import CrmSession, Database
from crm.errors import BadInput, Conflict
from crm.models import AuditEntry, Reminder, Task
from crm.models.reminder import ReminderState
from crm.models.task import TaskStatus
from crm.schemas import parse
from crm.services import records, reminders, tasks
from tests import factories

SOON = now().replace(microsecond=0) + timedelta(days=1)


def task(session: CrmSession, **values: Any) -> Task:
    values.setdefault("assignee_id", factories.user(session).id)
    made: Task = records.create(session, Task, {"title": "Call", **values})
    return made


def at(*moments: datetime, channel: str = "both") -> dict[str, Any]:
    """What a client sends to set these reminders, parsed."""
    sent = [{"remindAt": moment.isoformat(), "channel": channel} for moment in moments]
    return parse(Task, "update", {"reminders": sent}, by="json")


def waiting(session: CrmSession, record: Task) -> list[datetime]:
    return [reminder.remind_at for reminder in reminders.waiting_for(session, record)]


def test_a_completed_task_is_done_to_the_full_and_knows_when(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, progress=30)
        records.update(session, made, {"status": TaskStatus.COMPLETED})
        assert made.progress == 100
        assert made.completed_at is not None


def test_complete_and_reopen(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session)
        tasks.complete(session, made)
        assert (made.status, made.progress) == (TaskStatus.COMPLETED, 100)
        with pytest.raises(Conflict):
            tasks.complete(session, made)
        tasks.reopen(session, made)
        assert (made.status, made.progress, made.completed_at) == (TaskStatus.IN_PROGRESS, 0, None)
        with pytest.raises(Conflict):
            tasks.reopen(session, made)


@pytest.mark.parametrize("progress", [-1, 101])
def test_progress_is_a_percentage(database: Database, progress: int) -> None:
    with pytest.raises(BadInput, match="from 0 to 100"), database.transaction(system("test")) as session:
        task(session, progress=progress)


def test_a_task_is_no_part_of_itself(database: Database) -> None:
    with database.transaction(system("test")) as session:
        top = task(session)
        part = task(session, parent_id=top.id)
        with pytest.raises(BadInput):
            records.update(session, top, {"parent_id": part.id})


def test_reminders_are_sent_along_with_the_task(database: Database) -> None:
    with database.transaction(system("test")) as session:
        body = {"title": "Call", "assigneeId": factories.user(session).id}
        sent = {**body, "reminders": [{"remindAt": SOON.isoformat(), "channel": "email"}]}
        made = records.create(session, Task, parse(Task, "create", sent, by="json"))
        (reminder,) = reminders.waiting_for(session, made)
        assert (reminder.remind_at, reminder.channel, reminder.user_id) == (SOON, "email", made.assignee_id)


def test_reminders_that_are_sent_replace_those_that_wait(database: Database) -> None:
    later, latest = SOON + timedelta(hours=1), SOON + timedelta(hours=2)
    with database.transaction(system("test")) as session:
        made = task(session)
        records.update(session, made, at(SOON, later))
        records.update(session, made, at(later, latest))
        assert waiting(session, made) == [later, latest]
        records.update(session, made, {"title": "Call again"})
        assert waiting(session, made) == [later, latest]
        records.update(session, made, at(SOON))  # the one that was cancelled waits again
        assert waiting(session, made) == [SOON]
        records.update(session, made, at())
        assert waiting(session, made) == []


@pytest.mark.parametrize(
    "wrong", [[{"channel": "email"}], [{"remindAt": "tomorrow"}], [{"remindAt": "2026-11-30T09:00:00"}], "soon"]
)
def test_wrong_reminders_are_refused(wrong: Any) -> None:
    with pytest.raises(BadInput) as refused:
        parse(Task, "update", {"reminders": wrong}, by="json")
    assert refused.value.errors[0].field.startswith("reminders")


def test_a_closed_task_reminds_nobody(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session)
        records.update(session, made, at(SOON))
        tasks.complete(session, made)
        assert waiting(session, made) == []
        states = session.scalars(select(Reminder.state)).all()
        assert states == [ReminderState.CANCELLED]


def test_reminders_follow_a_task_to_its_new_assignee_and_name(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session)
        records.update(session, made, at(SOON))
        colleague = factories.user(session).id
        records.update(session, made, {"assignee_id": colleague, "title": "Visit"})
        (reminder,) = reminders.waiting_for(session, made)
        assert (reminder.user_id, reminder.subject) == (colleague, "Visit")


def test_what_happens_to_a_task_is_in_the_audit(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session)
        tasks.complete(session, made)
        wanted = select(AuditEntry.changes).where(AuditEntry.entity == "task").order_by(AuditEntry.id.desc())
        changes = session.scalars(wanted).first()
    assert changes is not None
    assert changes["status"] == ["not_started", "completed"]
