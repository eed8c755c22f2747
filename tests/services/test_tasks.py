"""Tasks: status, progress and completion agree."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from crm import access
from crm.actor import system
from crm.db import Database
from crm.errors import BadInput, Conflict, CrmError
from crm.models import AuditEntry, Task
from crm.models.task import TaskStatus
from crm.schemas import parse
from crm.services import records, tasks
from tests import factories
from tests.services.task_samples import SOON, task


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


def test_what_happens_to_a_task_is_in_the_audit(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session)
        tasks.complete(session, made)
        wanted = select(AuditEntry.changes).where(AuditEntry.entity == "task").order_by(AuditEntry.id.desc())
        changes = session.scalars(wanted).first()
    assert changes is not None
    assert changes["status"] == ["not_started", "completed"]


def test_a_task_is_started_put_off_cancelled_and_reopened(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session)
        for operation, expected in (
            (tasks.start, TaskStatus.IN_PROGRESS),
            (tasks.defer, TaskStatus.DEFERRED),
            (tasks.start, TaskStatus.IN_PROGRESS),
            (tasks.cancel, TaskStatus.CANCELLED),
        ):
            operation(session, made)
            assert made.status is expected
            with pytest.raises(Conflict):
                operation(session, made)
        for closed_to in (tasks.start, tasks.defer, tasks.complete):
            with pytest.raises(Conflict, match="reopened first"):
                closed_to(session, made)
            session.refresh(made)
        tasks.reopen(session, made)
        assert (made.status, made.completed_at) == (TaskStatus.IN_PROGRESS, None)


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        ({}, {"progress": 40}, (TaskStatus.IN_PROGRESS, 40)),
        ({}, {"progress": 100}, (TaskStatus.COMPLETED, 100)),
        ({}, {"status": "deferred", "progress": 10}, (TaskStatus.DEFERRED, 10)),
        ({"progress": 40}, {"status": "not_started"}, (TaskStatus.NOT_STARTED, 0)),
        ({"progress": 40}, {"status": "cancelled"}, (TaskStatus.CANCELLED, 40)),
        ({"progress": 40}, {"status": "completed"}, (TaskStatus.COMPLETED, 100)),
        ({"status": "completed"}, {"status": "in_progress", "progress": 70}, (TaskStatus.IN_PROGRESS, 70)),
        ({"status": "completed"}, {"progress": 100}, (TaskStatus.COMPLETED, 100)),
    ],
)
def test_status_and_progress_agree(
    database: Database, before: dict[str, Any], sent: dict[str, Any], after: tuple[TaskStatus, int]
) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, **parse(Task, "update", before, by="name"))
        records.update(session, made, parse(Task, "update", sent, by="name"))
        assert (made.status, made.progress) == after
        assert (made.completed_at is not None) == (made.status is TaskStatus.COMPLETED)


@pytest.mark.parametrize(
    ("before", "sent", "sentence"),
    [
        ({"status": "completed"}, {"progress": 50}, "reopen it first"),
        ({"status": "completed"}, {"status": "cancelled"}, "reopened first"),
        ({}, {"status": "in_progress", "progress": 100}, "below 100"),
        ({"status": "cancelled"}, {"progress": 100}, "below 100"),
    ],
)
def test_status_and_progress_that_contradict_each_other_are_refused(
    database: Database, before: dict[str, Any], sent: dict[str, Any], sentence: str
) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, **parse(Task, "update", before, by="name"))
        with pytest.raises((BadInput, Conflict), match=sentence):
            records.update(session, made, parse(Task, "update", sent, by="name"))
        session.refresh(made)


def test_a_task_is_closed_after_its_parts(database: Database) -> None:
    with database.transaction(system("test")) as session:
        top = task(session)
        parts = [task(session, parent_id=top.id) for _ in range(3)]
        records.delete(session, parts[2])
        for close in (tasks.complete, tasks.cancel):
            with pytest.raises(Conflict, match="still open: 2"):
                close(session, top)
            session.refresh(top)
        tasks.complete(session, parts[0])
        tasks.cancel(session, parts[1])
        tasks.complete(session, top)
        with pytest.raises(Conflict, match="reopen that first"):
            tasks.reopen(session, parts[0])
        session.refresh(parts[0])
        with pytest.raises(BadInput, match="must be an open task"):
            task(session, parent_id=top.id)


def test_two_who_make_tasks_parts_of_each_other_make_no_circle(database: Database) -> None:
    with database.transaction(system("test")) as session:
        numbers = task(session).id, task(session).id
    start = threading.Barrier(2)

    def move(which: int) -> None:
        start.wait()
        with (
            suppress(CrmError, DBAPIError),
            database.transaction(system("test")) as session,
        ):  # one may have to give way
            found = access.find(session, Task, numbers[which], lock=True)
            records.update(session, found, {"parent_id": numbers[1 - which]})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(move, range(2)))
    with database.read_only(system("test")) as session:
        parents = [session.get_one(Task, number).parent_id for number in numbers]
    assert sum(parent is not None for parent in parents) == 1


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"due_at": SOON, "due_date": SOON.date()}, "dueDate"),
        ({"start_at": SOON + timedelta(seconds=1), "due_at": SOON}, "startAt"),
        ({"start_at": SOON + timedelta(days=1), "due_date": SOON.date()}, "startAt"),
    ],
)
def test_due_dates_that_contradict_each_other_are_refused(database: Database, sent: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused, database.transaction(system("test")) as session:
        task(session, **sent)
    assert refused.value.errors[0].field == field


def test_the_day_a_task_is_due_is_one_of_the_assignees_zone(database: Database) -> None:
    late = datetime(2026, 11, 30, 20, tzinfo=UTC)  # the first of December in Shanghai
    with database.transaction(system("test")) as session:
        there = factories.user(session)
        there.timezone = "Asia/Shanghai"
        task(session, start_at=late, due_date=date(2026, 12, 1), assignee_id=there.id)
        with pytest.raises(BadInput, match="not be later"):
            task(session, start_at=late, due_date=date(2026, 11, 30), assignee_id=there.id)


@pytest.mark.parametrize(
    ("zone", "due", "moment", "expected"),
    [
        ("Asia/Shanghai", {"due_date": date(2026, 11, 30)}, "2026-11-30T15:59:59Z", False),
        ("Asia/Shanghai", {"due_date": date(2026, 11, 30)}, "2026-11-30T16:00:00Z", True),
        ("Pacific/Kiritimati", {"due_date": date(2026, 11, 30)}, "2026-11-30T10:00:00Z", True),
        ("Pacific/Kiritimati", {"due_date": date(2026, 11, 30)}, "2026-11-30T09:59:00Z", False),
        ("Pacific/Pago_Pago", {"due_date": date(2026, 11, 30)}, "2026-12-01T10:59:00Z", False),
        ("Pacific/Pago_Pago", {"due_date": date(2026, 11, 30)}, "2026-12-01T11:00:00Z", True),
        ("", {"due_date": date(2026, 11, 30)}, "2026-12-01T00:00:00Z", True),
        ("", {"due_date": date(2026, 11, 30)}, "2026-11-30T23:59:00Z", False),
        ("", {"due_at": datetime(2026, 11, 30, tzinfo=UTC)}, "2026-11-30T00:00:01Z", True),
        ("", {"due_at": datetime(2026, 11, 30, tzinfo=UTC)}, "2026-11-30T00:00:00Z", False),
        ("", {"due_date": date(2026, 11, 3), "status": TaskStatus.CANCELLED}, "2026-11-30T00:00:00Z", False),
        ("", {}, "2026-11-30T00:00:00Z", False),
    ],
)
def test_overdue_is_the_same_in_python_and_in_the_database(
    database: Database, zone: str, due: dict[str, Any], moment: str, expected: bool
) -> None:
    with time_machine.travel(datetime.fromisoformat(moment), tick=False), database.transaction(system("t")) as session:
        user = factories.user(session)
        user.timezone = zone
        made = task(session, assignee_id=user.id, **due)
        assert made.overdue is expected
        assert session.scalar(select(Task.id).where(Task.overdue)) == (made.id if expected else None)
        assert session.scalar(select(Task.id).where(~Task.overdue)) == (None if expected else made.id)
