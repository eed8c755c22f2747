"""What a first look should find: groups of companies, tasks in parts, and work of the manager who can sign in."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.models.base import Base
from crm.models.customer import Customer
from crm.models.task import OPEN, Task, TaskKind, TaskPriority, TaskStatus
from crm.models.user import User
from seeds.bulk import Row, insert_rows, search_words
from seeds.demo.people import Staff
from seeds.demo.words import MANAGER_TASKS, PARTS

_TABLES = Base.metadata.tables
_FEW, _GROUPS, _SUBSIDIARIES = 200, 6, 2
_WHOLES = 4
#: status of each part, and days from today until it is due
_STATES = ((TaskStatus.COMPLETED, -1), (TaskStatus.IN_PROGRESS, 1), (TaskStatus.NOT_STARTED, 2))


def load_firsts(session: Session, staff: Staff, moment: datetime) -> None:
    """Each once, whoever loads the demo data again."""
    if session.scalar(select(Customer.id).where(Customer.parent_id.is_not(None)).limit(1)) is None:
        _groups(session, staff)
    if session.scalar(select(Task.id).where(Task.parent_id.is_not(None)).limit(1)) is None:
        _parts(session, staff, moment)
        _of_the_manager(session, staff, moment)


def _groups(session: Session, staff: Staff) -> None:
    """Two subsidiaries of one company each, in its country where there are some; the first are the demo seller's."""
    mine = Customer.owner_id == staff.demo.user_id
    found = session.execute(select(Customer.id, Customer.country).order_by(mine.desc(), Customer.id).limit(_FEW)).all()
    heads, rest = found[:_GROUPS], list(found[_GROUPS:])
    for head in heads:
        below = sorted(rest, key=lambda firm: firm.country != head.country)[:_SUBSIDIARIES]
        rest = [firm for firm in rest if firm not in below]
        keys = [firm.id for firm in below]
        session.connection().execute(
            update(_TABLES["customer"]).where(_TABLES["customer"].c.id.in_(keys)).values(parent_id=head.id)
        )


def _parts(session: Session, staff: Staff, moment: datetime) -> None:
    """Open tasks of the demo seller fall into parts, some of which are done."""
    begun = Task.created_at < moment - timedelta(days=2)
    mine = select(Task).where(Task.assignee_id == staff.demo.user_id, Task.status.in_(OPEN), begun)
    rows = []
    for whole in session.scalars(mine.order_by(Task.id.desc()).limit(_WHOLES)):
        language = "zh" if "：" in whole.title else "en"
        for (kind, title), (status, days) in zip(PARTS[language], _STATES, strict=True):
            links = {"parent_id": whole.id, "record_type": whole.record_type, "record_id": whole.record_id}
            shared = {"assignee_id": whole.assignee_id, "team_id": whole.team_id, "created_at": whole.created_at}
            rows.append(_task(kind, title, status, _due(moment, days), moment) | links | shared)
    _insert(session, rows)


def _of_the_manager(session: Session, staff: Staff, moment: datetime) -> None:
    team_id = session.scalars(select(User).where(User.id == staff.manager_id)).one().teams[0].id
    rows = [
        _task(kind, title, TaskStatus.NOT_STARTED if days >= 0 else TaskStatus.IN_PROGRESS, _due(moment, days), moment)
        | {"parent_id": None, "record_type": None, "record_id": None}
        | {"assignee_id": staff.manager_id, "team_id": team_id, "created_at": moment - timedelta(days=7)}
        for kind, title, days in MANAGER_TASKS
    ]
    _insert(session, rows)


def _due(moment: datetime, days: int) -> datetime:
    return (moment + timedelta(days=days)).replace(hour=15, minute=0, second=0, microsecond=0)


def _task(kind: str, title: str, status: TaskStatus, due: datetime, moment: datetime) -> Row:
    """What all these tasks have; whose they are, and what they belong to, comes beside."""
    done = status is TaskStatus.COMPLETED
    return {
        "title": title,
        "description": "",
        "kind": TaskKind(kind),
        "status": status,
        "priority": TaskPriority.NORMAL,
        "due_at": due,
        "progress": 100 if done else 30 if status is TaskStatus.IN_PROGRESS else 0,
        "completed_at": min(due, moment - timedelta(hours=1)) if done else None,
        "checklist": [],
        "version": 1,
    }


def _insert(session: Session, rows: list[Row]) -> None:
    made = [row | {"updated_at": row["created_at"], "search_text": search_words(Task, row)} for row in rows]
    insert_rows(session, _TABLES["task"], made)
