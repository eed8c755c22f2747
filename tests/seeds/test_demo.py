"""The demo data: what it promises, in a small size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from crm.actor import system
from crm.db import CrmSession, Database
from crm.errors import Conflict, Forbidden
from crm.models import (
    Attachment,
    Contact,
    Customer,
    EmailMessage,
    Interaction,
    Job,
    LostReason,
    Notification,
    Opportunity,
    OpportunityHistory,
    OpportunityLine,
    Reminder,
    Schedule,
    Stage,
    StatusHistory,
    Task,
    TaskSeries,
    Team,
    User,
)
from crm.models.opportunity_history import OpportunityChange
from crm.models.stage import StageCategory
from crm.models.task import TaskStatus
from crm.search_text import matches
from crm.services import passwords
from crm.services.customers import EXPLAINED
from crm.settings import Settings
from seeds import demo, initial

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def small(database: Database, settings: Settings) -> Database:
    """60 contacts, 12 customers and 150 deals."""
    initial.load(database, settings)
    demo.load(database, settings, size=60, deals=150, moment=NOON)
    return database


def _count(session: CrmSession, model: type[object]) -> int:
    return session.scalars(select(func.count()).select_from(model)).one()


def test_the_sizes_are_those_asked_for(small: Database) -> None:
    with small.read_only(system("test")) as session:
        counts = {m.__tablename__: _count(session, m) for m in (Contact, Customer, Opportunity, Interaction, Task)}
        assert counts == {"contact": 60, "customer": 12, "opportunity": 150, "interaction": 36, "task": 70}


def test_by_default_there_are_some_hundred_customers(database: Database, settings: Settings) -> None:
    initial.load(database, settings)
    told: list[tuple[str, int, int]] = []
    demo.load(database, settings, progress=lambda *step: told.append(step))
    assert told[-1] == ("demo data", 2800, 2800)
    with database.read_only(system("test")) as session:
        assert [_count(session, m) for m in (Customer, Contact, Opportunity)] == [400, 1500, 900]


def test_two_people_can_sign_in_and_nobody_else(small: Database) -> None:
    with small.read_only(system("test")) as session:
        hashes = dict(session.execute(select(User.username, User.password_hash)).all())
        logins = demo.logins(session)
    assert [login.username for login in logins] == ["demo.manager", "demo.sales"]
    assert all(passwords.matches(login.password, hashes[login.username]) for login in logins)
    assert {name for name, kept in hashes.items() if kept} == {"admin", "demo.manager", "demo.sales"}
    assert len(hashes) == 12


def test_a_login_is_not_told_once_its_password_is_changed(small: Database) -> None:
    with small.transaction(system("test")) as session:
        user = session.scalars(select(User).where(User.username == "demo.sales")).one()
        user.password_hash = passwords.hash_password("something else", 4)
        session.flush()
        assert [login.username for login in demo.logins(session)] == ["demo.manager"]


def test_the_manager_leads_all_and_the_sales_person_has_work(small: Database) -> None:
    with small.read_only(system("test")) as session:
        users = {user.username: user for user in session.scalars(select(User))}
        manager, seller = users["demo.manager"], users["demo.sales"]
        [root] = session.scalars(select(Team).where(Team.parent_id.is_(None)))
        assert root.lead is manager
        assert [role.name for role in manager.roles] == ["manager"]
        assert [role.name for role in seller.roles] == ["sales"]
        assert session.scalars(select(Opportunity.id).where(Opportunity.owner_id == seller.id)).first()
        assert session.scalars(select(Notification.id).where(Notification.user_id == manager.id)).first()


def test_deals_keep_the_rules(small: Database) -> None:
    with small.read_only(system("test")) as session:
        deals = session.scalars(select(Opportunity)).all()
        assert {deal.stage.category for deal in deals} == {StageCategory.OPEN, StageCategory.WON, StageCategory.LOST}
        assert len({deal.stage_id for deal in deals}) == session.scalars(select(func.count(Stage.id))).one()
        for deal in deals:
            category = deal.stage.category
            assert (deal.closed_at is None) == (category is StageCategory.OPEN)
            assert category is not StageCategory.WON or deal.amount is not None
            assert (deal.lost_reason_id is not None) == (category is StageCategory.LOST)
            assert deal.created_at <= deal.stage_entered_at < NOON
            assert deal.customer is not None
            assert deal.customer.created_at < deal.created_at
        noted = select(Opportunity.lost_notes).join(LostReason).where(LostReason.requires_note)
        assert all(session.scalars(noted))


def test_deals_lie_in_the_two_years_before_today(small: Database) -> None:
    with small.read_only(system("test")) as session:
        first, last = session.execute(select(func.min(Opportunity.created_at), func.max(Opportunity.created_at))).one()
        assert NOON - timedelta(days=740) < first < NOON - timedelta(days=500)
        assert NOON - timedelta(days=30) < last < NOON


def test_each_history_leads_to_where_the_deal_is(small: Database) -> None:
    entries = {OpportunityChange.CREATED, OpportunityChange.STAGE, OpportunityChange.CLOSED, OpportunityChange.REOPENED}
    with small.read_only(system("test")) as session:
        rows = session.scalars(select(OpportunityHistory).order_by(OpportunityHistory.id)).all()
        for deal in session.scalars(select(Opportunity)):
            steps = [row for row in rows if row.opportunity_id == deal.id and row.change in entries]
            assert steps[0].change is OpportunityChange.CREATED
            assert steps[0].created_at == deal.created_at
            assert (steps[-1].to_stage_id, steps[-1].created_at) == (deal.stage_id, deal.stage_entered_at)
            for before, after in pairwise(steps):
                assert after.from_stage_id == before.to_stage_id
                assert after.seconds_in_stage == (after.created_at - before.created_at).total_seconds() > 0
            worth = [row for row in rows if row.opportunity_id == deal.id and row.change is OpportunityChange.AMOUNT]
            assert not worth or worth[-1].after == f"{deal.amount} {deal.currency}"


def test_some_deals_say_what_is_sold_and_are_worth_just_that(small: Database) -> None:
    with small.read_only(system("test")) as session:
        sums: dict[int, Decimal] = {}
        for line in session.scalars(select(OpportunityLine)):
            assert line.opportunity.created_at <= line.created_at < NOON
            assert line.product is not None
            assert line.product.currency == line.opportunity.currency
            sums[line.opportunity_id] = sums.get(line.opportunity_id, Decimal(0)) + line.total
        assert 15 < len(sums) < 100
        for deal in session.scalars(select(Opportunity)):
            assert deal.amount_by_hand == (deal.amount is not None and deal.id not in sums)
            assert deal.id not in sums or deal.amount == sums[deal.id]


def test_some_tasks_are_overdue_and_some_are_due_today(small: Database) -> None:
    with small.read_only(system("test")) as session:
        tasks = session.scalars(select(Task).where(Task.status != TaskStatus.COMPLETED)).all()
        days = [task.due_at.date() if task.due_at else task.due_date for task in tasks]
        assert NOON.date() in days
        assert any(day is not None and day < NOON.date() for day in days)
        assert session.scalars(select(Task).where(Task.status == TaskStatus.COMPLETED)).first()


def test_chinese_and_english_are_found_by_search(small: Database) -> None:
    with small.read_only(system("test")) as session:
        assert session.scalars(select(Opportunity.id).where(matches(Opportunity, "项目"))).first()
        assert session.scalars(select(Contact.id).where(matches(Contact, "manager"))).first()


def test_the_same_day_gives_the_same_data_on_both_databases(new_database: object, tmp_path: object) -> None:
    """Also that no set or hash order has a say: names are compared in order."""
    assert callable(new_database)
    found = []
    for backend in ("sqlite", "postgresql"):
        url = new_database(backend)
        database = Database(url)
        settings = Settings(_env_file=None, env="test", data_dir=tmp_path, database_url=url, bcrypt_cost=4)
        initial.load(database, settings)
        demo.load(database, settings, size=40, deals=30, moment=NOON)
        with database.read_only(system("test")) as session:
            people = session.execute(select(Contact.name, Contact.email, Contact.created_at).order_by(Contact.id))
            worth = select(Opportunity.name, Opportunity.amount, Opportunity.closed_at).order_by(Opportunity.id)
            found.append((people.all(), session.execute(worth).all()))
        database.dispose()
    assert found[0] == found[1]


def test_a_second_load_adds_a_second_lot_and_the_users_once(small: Database, settings: Settings) -> None:
    demo.load(small, settings, size=10, deals=5, moment=NOON)
    with small.read_only(system("test")) as session:
        assert [_count(session, m) for m in (Contact, Customer, Opportunity, User)] == [70, 14, 155, 12]


def test_production_refuses_demo_data(database: Database, settings: Settings) -> None:
    live = settings.model_copy(update={"env": "production"})
    with pytest.raises(Forbidden, match="never loaded in production"):
        demo.load(database, live)


def test_without_the_initial_data_it_says_what_to_do(database: Database, settings: Settings) -> None:
    with pytest.raises(Conflict, match="run crm seed"):
        demo.load(database, settings, size=5, deals=1)


def test_each_customer_has_the_history_of_its_status(small: Database) -> None:
    with small.read_only(system("test")) as session:
        for customer in session.scalars(select(Customer)):
            told = select(StatusHistory).where(StatusHistory.customer_id == customer.id).order_by(StatusHistory.id)
            rows = session.scalars(told).all()
            assert [row.before for row in rows] == [None, *(row.after for row in rows[:-1])]
            last = rows[-1]
            assert (last.after, last.reason) == (customer.status, customer.status_reason)
            assert (rows[0].created_at, last.created_at) == (customer.created_at, customer.status_since)
            assert last.created_at < NOON
            assert sum(row.seconds_in_status or 0 for row in rows) <= (NOON - customer.created_at).total_seconds()
            assert bool(last.reason) or customer.status not in EXPLAINED


def test_every_screen_has_something_to_show(small: Database, settings: Settings) -> None:
    """Once, however often it is loaded; and nothing of it leaves the house."""
    demo.load(small, settings, size=5, deals=0, moment=NOON)
    with small.read_only(system("test")) as session:
        counts = {m.__tablename__: _count(session, m) for m in (Schedule, TaskSeries, Attachment)}
        assert counts == {"schedule": 2, "task_series": 3, "attachment": 18}
        contents = select(Attachment.record_id, Attachment.sha256).where(Attachment.name == "Offer.pdf")
        offers = [tuple(row) for row in session.execute(contents)]
        assert len(offers) == 6
        assert len(set(offers)) == 3  # the same deal, the same bytes
        assert {mail.state for mail in session.scalars(select(EmailMessage))} == {"captured", "refused"}
        assert all(mail.interaction is not None for mail in session.scalars(select(EmailMessage)))
        jobs = set(session.scalars(select(Job.kind)))
        assert not [kind for kind in jobs if kind.startswith("email")]
        seller = session.scalars(select(User).where(User.username == "demo.sales")).one()
        assert {r.user_id for r in session.scalars(select(Reminder))} == {seller.id}
