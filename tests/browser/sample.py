"""A little data for the screens: both languages, every stage, late and stale deals, and text that attacks."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.email_message import EmailMessage, EmailState
from crm.models.interaction import Interaction
from crm.models.lost_reason import LostReason
from crm.models.notification import Notification
from crm.models.opportunity import Opportunity
from crm.models.reminder import Reminder, ReminderState
from crm.models.stage import Stage
from crm.models.tag import Tag
from crm.models.task import Task
from crm.models.team import Team
from crm.models.user import User
from crm.services import records, users

ATTACK = """<script>window.attacked=1</script><img src=x onerror="window.attacked=1">'"`{{7*7}}"""
PEOPLE = (("mara", "Mara Lindqvist"), ("wei", "陈伟"), ("tomas", "Tomás Ferreira"), ("priya", "Priya Nair"))
COMPANIES = (
    ("Vantor Chemicals", "Rotterdam", "EUR"),
    ("苏州晶澜光电有限公司", "苏州", "CNY"),
    ("Northgate Rail", "Leeds", "GBP"),
    ("Aqualta Utilities", "Adelaide", "USD"),
    ("宁波浩然能源", "宁波", "CNY"),
    ("Port of Almería", "Almería", "EUR"),
    ("Brightwater Dairies", "Cork", "EUR"),
    ("Castellan Paper", "Turku", "EUR"),
)
DEALS = (
    "Refinery flow upgrade, phase 2",
    "晶圆产线传感器改造",
    "Three-year calibration service",
    "Desalination plant, 140 points",
    "Tank level retrofit",
    "Gas detection, north yard",
    "Pasteuriser control package",
    "Battery dry-room humidity",
    "二期厂房环境监测",
    "Boiler sensor refresh",
)

#: told, and still to be put off
REMINDERS = ("Ask the harbour for the tide table", "Ask the yard for the crane")


def load(database: Database, password_hash: str) -> None:
    """Write all of it as the system."""
    with database.transaction(system("sample")) as session:
        _load(session, password_hash)


def _load(session: Session, password_hash: str) -> None:
    team = records.create(session, Team, {"name": "Europe"})
    staff = [_person(session, name, full, password_hash, team.id) for name, full in PEOPLE]
    tags = [records.create(session, Tag, {"name": name}) for name in ("Key account", "重点")]
    companies = [_company(session, i, staff[i % 4].id, tags) for i in range(len(COMPANIES))]
    for i in range(30):
        _contact(session, i, companies[i % 8], staff[i % 4].id)
    _deals(session, companies, staff)
    _work(session, companies, staff)


def _person(session: Session, username: str, name: str, password_hash: str, team_id: int) -> User:
    email = f"{username}@example.com"
    person = users.add(session, username=username, email=email, password_hash=password_hash, roles=["sales"])
    person.name = name
    records.flush(session, User)
    return records.update(session, person, {"teams": [team_id]})  # type: ignore[no-any-return]


def _company(session: Session, number: int, owner_id: int, tags: list[Tag]) -> Customer:
    name, city, currency = COMPANIES[number]
    status = ("active", "prospect", "at_risk", "dormant")[number % 4]
    values: dict[str, Any] = {
        "name": name,
        "city": city,
        "currency": currency,
        "status": status,
        "status_reason": "No order for a year" if status == "at_risk" else "",
        "rating": "abcd"[number % 4],
    }
    values |= {"owner_id": owner_id, "phone": f"+44 20 7946 0{number:03}", "website": "https://example.com"}
    values["tags"] = [tags[number % 2].id]
    values["description"] = (
        "Orders twice a year; asks for calibration papers with every delivery.\nPays within 45 days."
    )
    return records.create(session, Customer, values)  # type: ignore[no-any-return]


def _contact(session: Session, number: int, company: Customer, owner_id: int) -> None:
    names = ("Ingrid Solberg", "周敏", "顾明哲", "Anna Kowalska", "Joao Pinto", ATTACK)
    values: dict[str, Any] = {
        "name": f"{names[number % 6]} {number // 6 + 1}"[:120],
        "job_title": ("Buyer", "采购经理", ATTACK)[number % 3],
    }
    values |= {"customer_id": company.id, "email": f"person{number}@example.com", "owner_id": owner_id}
    records.create(session, Contact, values)


def _deals(session: Session, companies: list[Customer], staff: list[User]) -> None:
    stages = list(session.scalars(select(Stage).order_by(Stage.position)))
    reason = session.scalar(select(LostReason.id).limit(1))
    today = now().date()
    for number in range(60):
        company, stage = companies[number % 8], stages[(number * 5 + number // 6) % len(stages)]
        values: dict[str, Any] = {"name": f"{DEALS[number % 10]}{f' ({number // 10 + 1})' if number > 9 else ''}"}
        values |= {"customer_id": company.id, "stage_id": stage.id, "pipeline_id": stage.pipeline_id}
        values |= {"amount": Decimal(486_000 - number * 7_950), "currency": company.currency}
        values |= {"expected_close_date": today + timedelta(days=number * 5 - 12), "owner_id": staff[number % 4].id}
        values["next_step"] = ("Board approval", "Contract review", "合同评审", "Site survey")[number % 4]
        deal = {**values, "stage_id": stages[0].id} if stage.category == "lost" else values
        made = records.create(session, Opportunity, deal)
        if stage.category == "lost":
            records.update(session, made, {"stage_id": stage.id}, hidden={"lost_reason_id": reason})


def _work(session: Session, companies: list[Customer], staff: list[User]) -> None:
    admin = session.scalar(select(User.id).where(User.username == "admin"))
    for number, title in enumerate(
        ("Send revised quote", "回复付款比例", "Confirm site survey", "Call Ingrid", ATTACK)
    ):
        due = now() + timedelta(days=number - 1)
        values = {
            "title": title,
            "due_at": due,
            "assignee_id": admin,
            "priority": ("high", "normal", "urgent")[number % 3],
        }
        records.create(session, Task, values)
        values = {"subject": title, "kind": ("call", "visit", "email")[number % 3]}
        values |= {
            "occurred_at": due - timedelta(days=7),
            "customer_id": companies[1].id,
            "body": "对方确认预算已批复。",
            "owner_id": staff[1].id,
        }
        records.create(session, Interaction, values)
    session.add(Notification(user_id=admin, kind="reminder", title="Send revised quote"))
    for title in REMINDERS:
        _reminded(session, admin, title)
    session.add(_mail(admin))


def _reminded(session: Session, user_id: int | None, title: str) -> None:
    """A reminder that was told an hour ago, and its line at the bell."""
    told = {"subject": title, "user_id": user_id, "remind_at": now() - timedelta(hours=1), "channel": "app"}
    made = records.create(session, Reminder, told)
    made.state = ReminderState.SENT
    session.add(Notification(user_id=user_id, kind="reminder", title=title, key=f"reminder:{made.id}@1"))


def _mail(owner_id: int | None) -> EmailMessage:
    html = f"<h1>Open pipeline</h1><p>{ATTACK}</p><script>parent.attacked=1</script>"
    return EmailMessage(
        owner_id=owner_id, key="sample", message_id="<sample@localhost>", to_address="admin@example.com",
        subject="Open pipeline", text_body="Open pipeline", html_body=html, state=EmailState.CAPTURED,
    )  # fmt: skip
