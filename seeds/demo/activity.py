"""What happens around invented deals: interactions, tasks, and news for the manager."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from crm.models.interaction import Direction, Interaction, InteractionKind
from crm.models.task import Task, TaskKind, TaskPriority, TaskStatus
from seeds.bulk import Row, search_words
from seeds.demo import words
from seeds.demo.people import Staff

_OPEN = (TaskStatus.NOT_STARTED, TaskStatus.NOT_STARTED, TaskStatus.IN_PROGRESS)


def interaction(random: Random, company: Row, links: dict[str, int | None], moment: datetime) -> Row:
    """Something that happened with `company` since it is known; `links` are customer, contact and deal."""
    kind, subject, body, outcome = random.choice(words.TALKS[company["language"]])
    happened = moment - (moment - company["created_at"]) * random.random() ** 1.5
    kinds = InteractionKind(kind)
    row = {
        "kind": kinds,
        "direction": Direction.INTERNAL if kinds is InteractionKind.NOTE else random.choice(tuple(Direction)[:2]),
        "subject": subject,
        "body": body,
        "outcome": outcome,
        "occurred_at": happened,
        "duration_minutes": random.choice((15, 30, 60, 90)) if kind in ("call", "meeting", "visit") else None,
        "owner_id": company["owner_id"],
        "team_id": company["team_id"],
        "created_at": happened,
        "updated_at": happened,
        "version": 1,
        **links,
    }
    return row | {"search_text": search_words(Interaction, row)}


def task(random: Random, company: Row, deal_id: int, due: datetime, moment: datetime) -> Row:
    """Work on a deal, due at `due`; what is due long ago is mostly done."""
    kind, title = random.choice(words.TASKS[company["language"]])
    late = (moment - due).days
    done = late > 0 and random.random() < (0.4 if late < 15 else 0.85)
    status = TaskStatus.COMPLETED if done else random.choice(_OPEN)
    all_day = random.random() < 0.25
    begun = due - timedelta(days=random.randint(1, 14))
    row: dict[str, Any] = {
        "title": f"{title}：{company['name']}" if company["language"] == "zh" else f"{title}: {company['name']}",
        "description": "",
        "kind": TaskKind(kind),
        "status": status,
        "priority": random.choice((*TaskPriority, TaskPriority.NORMAL, TaskPriority.NORMAL)),
        "due_at": None if all_day else due,
        "due_date": due.date() if all_day else None,
        "progress": 100 if done else 40 if status is TaskStatus.IN_PROGRESS else 0,
        "completed_at": due - timedelta(hours=random.randint(-30, 40)) if done else None,
        "assignee_id": company["owner_id"],
        "team_id": company["team_id"],
        "record_type": "opportunity",
        "record_id": deal_id,
        "checklist": [],
        "created_at": min(begun, moment),
        "updated_at": min(begun, moment),
        "version": 1,
    }
    if row["completed_at"] is not None:
        row["completed_at"] = min(row["completed_at"], moment)
    return row | {"search_text": search_words(Task, row)}


def due_moments(random: Random, count: int, moment: datetime) -> Iterator[datetime]:
    """When tasks are due: every tenth today, some of them overdue, most in the weeks around."""
    today = moment.replace(minute=0, second=0, microsecond=0)
    for place in range(count):
        if place % 10 == 0:
            yield today.replace(hour=random.choice((9, 11, 14, 16)))
        elif place % 10 < 4:
            yield today - timedelta(days=random.randint(1, 120), hours=random.randint(0, 6))
        else:
            yield today + timedelta(days=random.randint(1, 40), hours=random.randint(0, 6))


def notifications(staff: Staff, deals: list[tuple[int, str]], moment: datetime) -> Iterator[Row]:
    """News for the manager who can sign in; `deals` are (number, name) of won ones."""
    news = [("deal_won", f"Won: {name}"[:200], number) for number, name in deals[:6]]
    for place, (kind, title, number) in enumerate(news):
        created = moment - timedelta(hours=5 * place + 1)
        yield {
            "user_id": staff.manager_id,
            "kind": kind,
            "title": title,
            "body": "",
            "link": f"/admin/opportunity/details/{number}",
            "record_type": "opportunity",
            "record_id": number,
            "read_at": created + timedelta(hours=2) if place >= 4 else None,
            "created_at": created,
        }
