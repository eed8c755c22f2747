"""What goes to the trash together comes back together, and only that; nothing passes by rights or audit."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import insert, select

from crm import access
from crm.actor import Actor, Scope, system
from crm.columns import now
from crm.db import Database
from crm.errors import Conflict, Forbidden
from crm.models import (
    AuditEntry,
    Contact,
    Customer,
    Interaction,
    Opportunity,
    OpportunityHistory,
    OpportunityLine,
    Reminder,
    Tag,
    Task,
)
from crm.services import consequences, records
from tests import factories

TEST = system("test")
ANY: dict[str, Any] = {"trash": "any"}


@pytest.fixture
def firm(database: Database) -> dict[str, Any]:
    """A customer with all that can hang on one."""
    with database.transaction(TEST) as session:
        customer = factories.make(Customer, session, name="Falcon")
        contact = factories.make(Contact, session, customer_id=customer.id)
        deal = factories.make(Opportunity, session, customer_id=customer.id, contact_id=contact.id)
        won = factories.make(Opportunity, session, customer_id=customer.id)
        won.closed_at = datetime(2026, 1, 1, tzinfo=UTC)
        line = factories.make(OpportunityLine, session, opportunity_id=deal.id)
        call = factories.make(Interaction, session, customer_id=customer.id)
        task = factories.make(Task, session, record_type="opportunity", record_id=deal.id)
        part = factories.make(Task, session, parent_id=task.id)
        other = factories.make(Task, session, record_type="opportunity", record_id=won.id)
        session.flush()
        made = {"customer": customer, "contact": contact, "deal": deal, "won": won, "call": call, "task": task}
        made |= {"part": part, "other": other, "line": line}
        return {name: (type(record), record.id) for name, record in made.items()}


def state(database: Database, firm: dict[str, Any]) -> dict[str, str]:
    """name → live, gone (on its own), along or purged"""
    with database.read_only(TEST) as session:
        found = {}
        for name, (model, key) in firm.items():
            record = session.get(model, key, execution_options=ANY)
            if record is None:
                found[name] = "purged"
            elif getattr(record, "deleted_at", None) is None:
                found[name] = "live"
            else:
                found[name] = "along" if record.deleted_with else "gone"
        return found


def act(database: Database, verb: Any, firm: dict[str, Any], name: str, actor: Actor = TEST) -> None:
    model, key = firm[name]
    with database.transaction(actor) as session:
        verb(session, access.find(session, model, key, trash="any"))


def test_what_hangs_on_a_customer_goes_with_it_and_comes_back_with_it(database: Database, firm: Any) -> None:
    before = state(database, firm)
    act(database, records.delete, firm, "customer")
    along = dict.fromkeys(("contact", "deal", "call", "task", "part"), "along")
    assert state(database, firm) == before | {"customer": "gone"} | along
    act(database, records.restore, firm, "customer")
    assert state(database, firm) == before
    with database.read_only(TEST) as session:
        for model, key in firm.values():
            assert session.get_one(model, key).__dict__.get("deleted_with") is None


def test_what_was_deleted_on_its_own_before_stays_in_the_trash(database: Database, firm: Any) -> None:
    act(database, records.delete, firm, "task")
    act(database, records.delete, firm, "customer")
    act(database, records.restore, firm, "customer")
    found = state(database, firm)
    assert (found["deal"], found["task"], found["part"]) == ("live", "gone", "along")
    act(database, records.restore, firm, "task")
    assert set(state(database, firm).values()) == {"live"}


def test_what_went_along_can_be_restored_by_itself_with_what_hangs_on_it(database: Database, firm: Any) -> None:
    act(database, records.delete, firm, "customer")
    act(database, records.restore, firm, "deal")
    found = state(database, firm)
    assert [found[n] for n in ("customer", "deal", "task", "part", "contact")] == [
        "gone", "live", "live", "live", "along",
    ]  # fmt: skip
    act(database, records.delete, firm, "deal")
    act(database, records.restore, firm, "customer")
    assert state(database, firm)["deal"] == "gone"


def test_each_record_that_goes_or_comes_back_is_audited(database: Database, firm: Any) -> None:
    act(database, records.delete, firm, "customer")
    act(database, records.restore, firm, "customer")
    with database.read_only(TEST) as session:
        for name in ("customer", "contact", "deal", "call", "task", "part"):
            model, key = firm[name]
            entries = select(AuditEntry.action).where(AuditEntry.entity == model.__tablename__)
            found = list(session.scalars(entries.where(AuditEntry.record_id == key).order_by(AuditEntry.id)))
            assert found[-2:] == ["delete", "restore"], name


def test_purging_takes_everything_that_went_along_and_its_parts(database: Database, firm: Any) -> None:
    act(database, records.delete, firm, "won")
    act(database, records.purge, firm, "won")
    act(database, records.delete, firm, "customer")
    act(database, records.purge, firm, "customer")
    found = state(database, firm)
    assert found.pop("other") == "purged"  # it went along with the won deal
    assert set(found.values()) == {"purged"}
    with database.read_only(TEST) as session:
        deals = [firm["deal"][1], firm["won"][1]]
        kept = select(OpportunityHistory.id).where(OpportunityHistory.opportunity_id.in_(deals))
        assert session.scalars(kept).all() == []
        purged = select(AuditEntry.entity).where(AuditEntry.action == "purge")
        assert {"customer", "contact", "opportunity", "opportunity_line"} <= set(session.scalars(purged))


def test_a_customer_with_closed_deals_is_not_purged(database: Database, firm: Any) -> None:
    act(database, records.delete, firm, "customer")
    with pytest.raises(Conflict, match="while other records refer to it"):
        act(database, records.purge, firm, "customer")
    assert state(database, firm)["contact"] == "along"


def test_a_reminder_is_purged_with_its_record_and_links_are_not_left_dangling(database: Database, firm: Any) -> None:
    with database.transaction(TEST) as session:
        user = factories.user(session)
        link = {"record_type": "task", "record_id": firm["task"][1]}
        factories.make(Reminder, session, user_id=user.id, **link)
        lone = factories.make(Task, session, **link)
        records.delete(session, lone)
        key = lone.id
    act(database, records.delete, firm, "task")
    act(database, records.purge, firm, "task")
    with database.read_only(TEST) as session:
        assert session.scalars(select(Reminder.id)).all() == []
        left = session.get_one(Task, key, execution_options=ANY)
        assert (left.record_type, left.record_id) == (None, None)


GRANTS = {
    name: Scope.OWN
    for thing, many in (("customer", "customers"), ("contact", "contacts"), ("task", "tasks"), ("opportunity", "opportunities"), ("interaction", "interactions"))  # noqa: E501
    for name in (f"view_{many}", f"delete_{thing}")
}  # fmt: skip


def agent(database: Database, firm: dict[str, Any], **grants: Scope) -> Actor:
    """Owns all of the firm, with the rights of GRANTS."""
    with database.transaction(TEST) as session:
        user_id = factories.user(session).id
        for model, key in firm.values():
            record = session.get(model, key)
            for column in ("owner_id", "assignee_id"):
                if hasattr(record, column):
                    setattr(record, column, user_id)
    return Actor(user_id, "agent", {**GRANTS, **grants})


def test_whoever_may_delete_all_of_it_may_delete_the_customer(database: Database, firm: Any) -> None:
    act(database, records.delete, firm, "customer", agent(database, firm))
    assert state(database, firm)["part"] == "along"


def test_a_record_of_a_colleague_keeps_the_customer_and_is_not_named(database: Database, firm: Any) -> None:
    actor = agent(database, firm)
    with database.transaction(TEST) as session:
        session.get_one(Contact, firm["contact"][1]).owner_id = factories.user(session).id
    with pytest.raises(Forbidden, match="1 records that you may not see would go along"):
        act(database, records.delete, firm, "customer", actor)
    assert set(state(database, firm).values()) == {"live"}


def test_what_may_be_seen_but_not_deleted_is_named(database: Database, firm: Any) -> None:
    actor = agent(database, firm, view_contacts=Scope.ALL)
    with database.transaction(TEST) as session:
        session.get_one(Contact, firm["contact"][1]).owner_id = factories.user(session).id
    with pytest.raises(Forbidden, match=r"You may not delete what would go along: Contacts \(1\)"):
        act(database, records.delete, firm, "customer", actor)


def test_the_counts_say_what_goes_and_what_stays(database: Database, firm: Any) -> None:
    with database.read_only(TEST) as session:
        told = consequences.of_deleting(session, Customer, [firm["customer"][1]])
    assert told.goes == {"contact": 1, "interaction": 1, "opportunity": 1, "opportunity_line": 1, "task": 2}
    assert (told.stays, told.others, told.refused) == ({"opportunity": 1}, 0, {})
    with database.read_only(TEST) as session:
        assert consequences.of_deleting(session, Contact, [firm["contact"][1]]).stays == {"opportunity": 1}


def test_the_counts_tell_of_hidden_records_nothing_but_how_many(database: Database, firm: Any) -> None:
    actor = agent(database, firm)
    with database.transaction(TEST) as session:
        session.get_one(Contact, firm["contact"][1]).owner_id = factories.user(session).id
        session.get_one(Opportunity, firm["won"][1]).owner_id = None
    with database.read_only(actor) as session:
        told = consequences.of_deleting(session, Customer, [firm["customer"][1]])
    assert "contact" not in told.goes
    assert (told.others, told.stays, told.allowed) == (1, {}, False)


def test_a_taken_name_stops_the_whole_restoration(database: Database) -> None:
    with database.transaction(TEST) as session:
        tags = [factories.make(Tag, session, name=name) for name in ("one", "two")]
        records.delete_many(session, tags)
        factories.make(Tag, session, name="two")
        keys = [tag.id for tag in tags]
    with pytest.raises(Conflict, match="Tag name already exists"), database.transaction(TEST) as session:
        records.restore_many(session, [session.get_one(Tag, key, execution_options=ANY) for key in keys])


def test_ten_thousand_dependents_go_and_come_back_in_reasonable_time(database: Database) -> None:
    with database.transaction(TEST) as session:
        customer = factories.make(Customer, session)
        key, moment = customer.id, now()
        row = {"created_at": moment, "updated_at": moment, "version": 1, "customer_id": key}
        session.execute(
            insert(Contact),
            [row | {"name": f"Person {n}"} for n in range(10_000)],
            execution_options={"unscoped": True},
        )
    begun = monotonic()
    for verb in (records.delete, records.restore):
        with database.transaction(TEST) as session:
            verb(session, access.find(session, Customer, key, trash="any"))
    assert monotonic() - begun < 20  # far less, unless the machine is busy
    with database.read_only(TEST) as session:
        assert session.query(Contact).filter(Contact.version == 3).count() == 10_000
