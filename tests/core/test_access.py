"""Scope and trash: every way to read a row obeys the same clause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select, union, update
from sqlalchemy.orm import Session, aliased, selectinload

from crm import access
from crm.actor import Actor, Scope, system
from crm.columns import now
from crm.db import CrmSession, Database
from crm.errors import Forbidden, NotFound
from crm.models import Contact, Customer, Opportunity, OpportunityHistory, Pipeline, Stage, Team, User
from crm.models.opportunity_history import OpportunityChange
from crm.services import records


@dataclass
class People:
    """Two sales people in different teams, a lead above the first, and one customer each."""

    own: Actor
    lead: Actor
    everyone: Actor
    mine: int
    foreign: int


def _actor(user: User, scope: Scope, *teams: int) -> Actor:
    names = (
        "view_customers",
        "view_contacts",
        "update_customer",
        "delete_customer",
        "delete_contact",
        "create_contact",
        "view_opportunities",
    )
    grants = dict.fromkeys((*names, "view_opportunity_histories", "update_contact"), scope)
    return Actor(user.id, user.username, grants, frozenset(teams), teams[0] if teams else None)


@pytest.fixture
def people(database: Database) -> People:
    with database.transaction(system("test")) as session:
        north, south = Team(name="North"), Team(name="South")
        ann, bob = User(username="ann", email="ann@x.test"), User(username="bob", email="bob@x.test")
        session.add_all([north, south, ann, bob])
        session.flush()
        mine = Customer(name="Mine", owner_id=ann.id, team_id=north.id)
        foreign = Customer(name="Foreign", owner_id=bob.id, team_id=south.id)
        session.add_all([mine, foreign])
        session.flush()
        session.add_all(
            [Contact(name="M", customer=mine, owner_id=ann.id), Contact(name="F", customer=foreign, owner_id=bob.id)]
        )
        session.flush()
        made = People(
            own=_actor(ann, Scope.OWN, north.id),
            lead=_actor(bob, Scope.TEAM, north.id, south.id),
            everyone=_actor(ann, Scope.ALL),
            mine=mine.id,
            foreign=foreign.id,
        )
    return made


def _names(session: Session) -> set[str]:
    return set(session.scalars(select(Customer.name)))


def test_each_scope_sees_its_rows(database: Database, people: People) -> None:
    with database.read_only(people.own) as session:
        assert _names(session) == {"Mine"}
    with database.read_only(people.lead) as session:
        assert _names(session) == {"Mine", "Foreign"}
    with database.read_only(people.everyone) as session:
        assert _names(session) == {"Mine", "Foreign"}


def test_a_foreign_row_is_hidden_from_every_kind_of_read(database: Database, people: People) -> None:
    with database.read_only(people.own) as session:
        assert session.get(Customer, people.foreign) is None
        assert session.scalar(select(func.count()).select_from(Customer)) == 1
        assert session.scalar(select(func.count(Customer.id))) == 1
        inside = select(Contact.name).where(Contact.customer_id.in_(select(Customer.id)))
        assert set(session.scalars(inside)) == {"M"}
        listed = session.scalars(select(Contact).options(selectinload(Contact.customer))).all()
        assert [c.customer.name for c in listed if c.customer] == ["Mine"]
        with pytest.raises(NotFound):
            access.find(session, Customer, people.foreign)


def test_a_relation_out_of_scope_loads_as_none_and_keeps_its_key(database: Database, people: People) -> None:
    with database.transaction(system("test")) as session:
        contact = session.scalars(select(Contact).where(Contact.name == "M")).one()
        contact.customer_id = people.foreign
    with database.transaction(people.own) as session:
        contact = session.scalars(select(Contact).where(Contact.name == "M")).one()
        assert contact.customer is None
        records.update(session, contact, {"job_title": "Buyer"})
    with database.read_only(system("test")) as session:
        assert session.scalars(select(Contact.customer_id).where(Contact.name == "M")).one() == people.foreign


def test_who_lacks_the_view_permission_sees_nothing(database: Database, people: People) -> None:
    nobody = Actor(people.own.user_id, "nobody", {})
    with database.read_only(nobody) as session:
        assert _names(session) == set()


def test_history_is_seen_by_those_who_see_its_deal(database: Database, people: People) -> None:
    with database.transaction(system("test")) as session:
        pipeline = Pipeline(name="P")
        stage = Stage(name="S", pipeline=pipeline)
        session.add(stage)
        session.flush()
        for owner in (people.own.user_id, people.lead.user_id):
            deal = Opportunity(name="D", pipeline_id=pipeline.id, stage_id=stage.id, owner_id=owner)
            session.add(deal)
            session.flush()
            session.add(OpportunityHistory(opportunity_id=deal.id, change=OpportunityChange.AMOUNT))
    with database.read_only(people.own) as session:
        owners = select(Opportunity.owner_id).join(
            OpportunityHistory, OpportunityHistory.opportunity_id == Opportunity.id
        )
        assert set(session.scalars(owners)) == {people.own.user_id}
        kinds = session.scalars(select(OpportunityHistory).where(OpportunityHistory.change == OpportunityChange.AMOUNT))
        assert len(kinds.all()) == 1


def test_the_trash_hides_rows_until_it_is_asked_for(database: Database, people: People) -> None:
    with database.transaction(people.own) as session:
        records.delete(session, access.find(session, Customer, people.mine))
    with database.read_only(people.own) as session:
        assert _names(session) == set()
        assert session.get(Customer, people.mine) is None
        only = session.scalars(select(Customer.name), execution_options={"trash": "only"})
        assert set(only) == {"Mine"}
        with pytest.raises(NotFound):
            access.find(session, Customer, people.mine)


def test_a_narrower_update_scope_is_a_missing_permission(database: Database, people: People) -> None:
    grants = {"view_customers": Scope.ALL, "update_customer": Scope.OWN}
    careful = Actor(people.own.user_id, "ann", grants)
    with database.transaction(careful) as session:
        records.update(session, access.find(session, Customer, people.mine), {"city": "Berlin"})
        with pytest.raises(Forbidden):
            records.update(session, access.find(session, Customer, people.foreign), {"city": "Berlin"})


def test_a_session_without_an_actor_raises(database: Database) -> None:
    with CrmSession(database.engine()) as session, pytest.raises(RuntimeError, match="needs an actor"):
        session.scalars(select(Customer)).all()


def test_bare_table_columns_cannot_slip_past_the_scope(database: Database, people: People) -> None:
    bare = Customer.__table__
    with database.read_only(people.own) as session:
        for statement in (select(bare.c.name), select(bare), select(func.count()).select_from(bare)):
            with pytest.raises(RuntimeError, match="bare table columns"):
                session.execute(statement)


def test_bulk_statements_must_say_that_they_pass_by_the_scope(database: Database) -> None:
    with database.transaction(system("test")) as session:
        with pytest.raises(RuntimeError, match="unscoped"):
            session.execute(update(Customer).values(city="x"))
        session.execute(update(Customer).values(city="x", updated_at=now()), execution_options={"unscoped": True})


def test_aliases_joins_and_subqueries_are_narrowed_for_each_actor_in_turn(database: Database, people: People) -> None:
    """For two actors in turn: a cached statement must not keep the first one's rows."""
    other, inner = aliased(Customer), select(Customer.name).subquery()
    statements: list[Any] = [
        select(other.name),
        select(inner.c.name),
        select(other.name).select_from(Contact).join(other, other.id == Contact.customer_id),
        select(other.name).select_from(Contact).outerjoin(other, Contact.customer.of_type(other)),
        select(Customer.name).select_from(Contact).outerjoin(Contact.customer),
        select(Customer.name).where(Customer.id.in_(select(Contact.customer_id))),
        union(select(Customer.name), select(other.name)),
    ]
    stranger = Actor(people.lead.user_id, "bob", {"view_customers": Scope.OWN, "view_contacts": Scope.ALL})
    for statement in statements:
        for actor, seen in ((people.own, {"Mine"}), (stranger, {"Foreign"})):
            with database.read_only(actor) as session:
                assert set(session.scalars(statement)) - {None} == seen, str(statement)
