"""What the demo data shows at the first look: groups of companies, tasks in parts, work of the manager."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from crm.actor import system
from crm.db import Database
from crm.models import Customer, Task, User
from crm.models.task import OPEN
from crm.settings import Settings
from seeds import demo, initial

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def test_there_are_groups_of_companies_tasks_in_parts_and_work_of_the_manager(
    database: Database, settings: Settings
) -> None:
    """Once, however often it is loaded, and as the rules would have it."""
    initial.load(database, settings)
    demo.load(database, settings, size=60, deals=150, moment=NOON)
    demo.load(database, settings, size=5, deals=3, moment=NOON)
    with database.read_only(system("test")) as session:
        below = session.scalars(select(Customer).where(Customer.parent_id.is_not(None))).all()
        assert len(below) == 6
        assert all(firm.parent is not None and firm.parent.parent_id is None for firm in below)
        parts = session.scalars(select(Task).where(Task.parent_id.is_not(None))).all()
        assert len(parts) == 12
        assert {part.status for part in parts} == {"completed", "in_progress", "not_started"}
        for part in parts:
            whole = session.get_one(Task, part.parent_id)
            assert (whole.status in OPEN, whole.assignee_id) == (True, part.assignee_id)
            assert part.created_at < (part.completed_at or NOON) < NOON + timedelta(seconds=1)
        manager = session.scalars(select(User).where(User.username == "demo.manager")).one()
        own = session.scalars(select(Task).where(Task.assignee_id == manager.id)).all()
        assert len(own) == 5
        assert any(task.due_at is not None and task.due_at.date() == NOON.date() for task in own)
