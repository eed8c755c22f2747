"""What is open of one user becomes another's: all of it in one transaction, audited, with its reminders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from crm.actor import Actor, Scope, system
from crm.columns import now
from crm.db import Database
from crm.errors import BadInput, Conflict, Forbidden
from crm.models import (
    AuditEntry,
    Contact,
    Customer,
    Notification,
    Opportunity,
    OpportunityHistory,
    Reminder,
    Task,
    Team,
    User,
)
from crm.models.reminder import ReminderState
from crm.services import handover, records
from crm.services.handover import Kind
from tests import factories

TEST = system("test")
#: no task can be written from then on
REFUSING = {
    "sqlite": ["CREATE TRIGGER refuse BEFORE UPDATE ON task BEGIN SELECT RAISE(ABORT, 'refused'); END"],
    "postgresql": [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$",
        "CREATE TRIGGER refuse BEFORE UPDATE ON task FOR EACH ROW EXECUTE FUNCTION refuse()",
    ],
}


@pytest.fixture
def leaver(database: Database) -> dict[str, int]:
    """Somebody with open and closed records, and a colleague in another team."""
    with database.transaction(TEST) as session:
        old, new = factories.make(Team, session), factories.make(Team, session)
        user, colleague = factories.user(session, team=old), factories.user(session, team=new)
        mine = {"owner_id": user.id, "team_id": old.id}
        customer = factories.make(Customer, session, **mine)
        gone = factories.make(Customer, session, **mine)
        deal = factories.make(Opportunity, session, **mine)
        won = factories.make(Opportunity, session, **mine)
        won.closed_at = datetime(2026, 1, 1, tzinfo=UTC)
        task = factories.make(Task, session, assignee_id=user.id, team_id=new.id)
        done = factories.make(Task, session, assignee_id=user.id, status="completed")
        records.delete(session, gone)
        made = {"user": user, "colleague": colleague, "customer": customer, "gone": gone, "deal": deal, "won": won}
        made |= {"task": task, "done": done, "old": old, "new": new}
        return {name: record.id for name, record in made.items()}


def give(database: Database, leaver: dict[str, int], actor: Actor = TEST, **options: Any) -> dict[Kind, int]:
    with database.transaction(actor, verb="hand_over") as session:
        user = session.get_one(User, leaver["user"], execution_options={"unscoped": True, "trash": "any"})
        return handover.hand_over(session, user, **{"to_user_id": leaver["colleague"], **options})


def test_what_is_open_is_handed_over_and_what_is_closed_stays(database: Database, leaver: Any) -> None:
    with database.read_only(TEST) as session:
        told = handover.open_records(session, session.get_one(User, leaver["user"]))
    assert give(database, leaver) == told
    assert {kind: number for kind, number in told.items() if number} == {"customers": 1, "opportunities": 1, "tasks": 1}
    with database.read_only(TEST) as session:
        owners = {
            name: getattr(session.get_one(model, leaver[name], execution_options={"trash": "any"}), column)
            for model, column, names in (
                (Customer, "owner_id", ("customer", "gone")),
                (Opportunity, "owner_id", ("deal", "won")),
                (Task, "assignee_id", ("task", "done")),
            )
            for name in names
        }
        kept = {name for name, owner in owners.items() if owner == leaver["user"]}
        assert kept == {"gone", "won", "done"}
        assert {owners[name] for name in owners if name not in kept} == {leaver["colleague"]}


def test_the_team_follows_the_receiver_unless_they_belong_to_it(database: Database, leaver: Any) -> None:
    give(database, leaver)
    with database.read_only(TEST) as session:
        assert session.get_one(Customer, leaver["customer"]).team_id == leaver["new"]
        assert session.get_one(Task, leaver["task"]).team_id == leaver["new"]


def test_each_record_is_audited_and_a_deal_has_its_history(database: Database, leaver: Any) -> None:
    give(database, leaver)
    with database.read_only(TEST) as session:
        entries = select(AuditEntry.entity, AuditEntry.record_id).where(AuditEntry.action == "hand_over")
        found = {(entity, key) for entity, key in session.execute(entries)}
        expected = {("customer", "customer"), ("opportunity", "deal"), ("task", "task"), ("user", "user")}
        assert {(entity, leaver[name]) for entity, name in expected} <= found
        history = select(OpportunityHistory).where(OpportunityHistory.change == "owner")
        assert [row.opportunity_id for row in session.scalars(history)] == [leaver["deal"]]


def test_reminders_move_along_and_one_message_tells_of_all(database: Database, leaver: Any) -> None:
    moment = now() + timedelta(days=2)
    with database.transaction(TEST) as session:
        for kind, name in (("task", "task"), ("opportunity", "deal"), ("opportunity", "won")):
            link = {"record_type": kind, "record_id": leaver[name]}
            factories.make(Reminder, session, user_id=leaver["user"], remind_at=moment, **link)
    give(database, leaver)
    with database.read_only(TEST) as session:
        found = {(r.record_type, r.record_id): r.user_id for r in session.scalars(select(Reminder))}
        assert found == {
            ("task", leaver["task"]): leaver["colleague"],
            ("opportunity", leaver["deal"]): leaver["colleague"],
            ("opportunity", leaver["won"]): leaver["user"],
        }
        told = session.scalars(select(Notification).where(Notification.kind == "assigned")).all()
        assert [(n.user_id, n.title) for n in told] == [(leaver["colleague"], "3 records were handed over to you")]


def test_promises_to_oneself_move_along_too(database: Database, leaver: Any) -> None:
    moment = now() + timedelta(days=2)
    with database.transaction(TEST) as session:
        same = {"user_id": leaver["user"], "remind_at": moment, "record_id": None}
        number = factories.make(Reminder, session, subject="Ring the bank", **same).id
        factories.make(Reminder, session, subject="Ring the tax office", **same)
        told = factories.make(Reminder, session, subject="Told", **same)
        told.state = ReminderState.SENT
    assert give(database, leaver)[Kind.REMINDERS] == 2
    with database.read_only(TEST) as session:
        waiting = {r.subject: r.user_id for r in session.scalars(select(Reminder))}
        receiver = leaver["colleague"]
        assert waiting == {"Ring the bank": receiver, "Ring the tax office": receiver, "Told": leaver["user"]}
        audited = select(AuditEntry.changes).where(
            AuditEntry.entity == "reminder", AuditEntry.record_id == number, AuditEntry.action == "hand_over"
        )
        assert session.scalars(audited).one()["user_id"] == [leaver["user"], receiver]


def test_a_failure_in_the_middle_changes_nothing(database: Database, leaver: Any) -> None:
    """Customers and deals have been given away when the database refuses the first task."""
    with database.engine().begin() as connection:
        for statement in REFUSING[connection.dialect.name]:
            connection.execute(text(statement))
    with pytest.raises(DBAPIError):
        give(database, leaver, disable=True)
    with database.read_only(TEST) as session:
        assert session.get_one(Customer, leaver["customer"]).owner_id == leaver["user"]
        assert session.get_one(Opportunity, leaver["deal"]).owner_id == leaver["user"]
        assert session.get_one(User, leaver["user"]).status is True
        assert session.scalars(select(AuditEntry).where(AuditEntry.action == "hand_over")).all() == []
        assert session.scalars(select(OpportunityHistory).where(OpportunityHistory.change == "owner")).all() == []
        assert session.scalars(select(Notification).where(Notification.user_id == leaver["colleague"])).all() == []


def test_only_the_kinds_that_are_named_are_handed_over(database: Database, leaver: Any) -> None:
    assert give(database, leaver, kinds=[Kind.TASKS]) == {Kind.TASKS: 1}
    with database.read_only(TEST) as session:
        assert session.get_one(Customer, leaver["customer"]).owner_id == leaver["user"]


def test_access_can_be_taken_away_in_the_same_transaction(database: Database, leaver: Any) -> None:
    give(database, leaver, disable=True)
    with database.read_only(TEST) as session:
        assert session.get_one(User, leaver["user"]).status is False


def test_the_last_administrator_stays_and_nothing_is_handed_over(database: Database, leaver: Any) -> None:
    with database.transaction(TEST) as session:
        admin = factories.user(session, admin=True)
        session.get_one(Customer, leaver["customer"]).owner_id = admin.id
        leaver["user"] = admin.id
    with pytest.raises(Conflict, match="last administrator"):
        give(database, leaver, disable=True)
    with database.read_only(TEST) as session:
        assert session.get_one(Customer, leaver["customer"]).owner_id == leaver["user"]


def test_nobody_receives_who_may_not_sign_in(database: Database, leaver: Any) -> None:
    with database.transaction(TEST) as session:
        disabled, gone = factories.user(session), factories.user(session)
        disabled.status = False
        records.delete(session, gone)
        keys = [leaver["user"], disabled.id, gone.id, 4711]
    for key in keys:
        with pytest.raises(BadInput, match="must be another user, who may sign in"):
            give(database, leaver, to_user_id=key)


def test_whoever_may_not_disable_the_user_hands_nothing_over_with_it(database: Database, leaver: Any) -> None:
    with database.transaction(TEST) as session:
        clerk = Actor(factories.user(session).id, "clerk", dict.fromkeys(("view_users", "hand_over_user"), Scope.ALL))
    with pytest.raises(Forbidden):
        give(database, leaver, clerk, disable=True)
    assert sum(give(database, leaver, clerk).values()) == 3


def test_five_thousand_records_take_seconds(database: Database, leaver: Any) -> None:
    with database.transaction(TEST) as session:
        moment = now()
        row = {"created_at": moment, "updated_at": moment, "version": 1, "owner_id": leaver["user"]}
        rows = [row | {"name": f"Person {n}"} for n in range(5000)]
        session.execute(insert(Contact), rows, execution_options={"unscoped": True})
    begun = monotonic()
    assert give(database, leaver)[Kind.CONTACTS] == 5000
    assert monotonic() - begun < 30  # far less, unless the machine is busy
