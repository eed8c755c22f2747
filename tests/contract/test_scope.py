"""The session criteria and the prepared selects let the same rows through, whoever asks."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from crm.actor import Scope
from crm.api.resources import address
from crm.entity import REGISTRY, entity_of, name_of, permission
from crm.models import Attachment, Contact, Customer, Job, JobEvent, Opportunity, Task, Team, User
from crm.models.owned import Owned
from crm.rights import load_actor
from crm.services import records
from tests.factories import make

MODELS = [Attachment, Contact, Customer, Opportunity, Task, Job, JobEvent]
GRANTS = st.fixed_dictionaries({name_of(model): st.sampled_from([None, *Scope]) for model in MODELS})
ROWS = 100


@pytest.fixture(scope="session")
def population(world: Any) -> list[int]:
    """Five teams (three of them in a line), seven users in none to two of them, and rows of all, some in the trash."""
    dice = random.Random(4711)
    with world.session() as session:
        teams = [make(Team, session)]
        teams += [make(Team, session, parent_id=teams[0].id) for _ in range(2)]
        teams += [make(Team, session, parent_id=teams[1].id), make(Team, session)]
        users = [make(User, session) for _ in range(7)]
        for user in users:
            user.teams = dice.sample(teams, dice.randint(0, 2))
        session.flush()
        for _ in range(ROWS):
            _row(session, dice, [u.id for u in users], [t.id for t in teams])
        return [user.id for user in users]


def _row(session: Any, dice: random.Random, users: list[int], teams: list[int]) -> None:
    model = dice.choice(MODELS)
    owner = dice.choice([*users, None])
    if model in (Job, JobEvent):
        job = Job(kind="test.kind", dedupe_key=str(dice.random()), principal_id=owner)
        session.add(job)
        session.flush()
        session.add(JobEvent(job_id=job.id, to_status="queued"))
        return
    chosen = {entity_of(model).owner: owner}
    if issubclass(model, Owned) or "team_id" in model.__table__.c:
        chosen["team_id"] = dice.choice([*teams, None])
    record = make(model, session, **chosen)
    if isinstance(record, Attachment) and dice.random() < 0.8:
        record.record_type = name_of(target := dice.choice([Contact, Customer, Opportunity, Task]))
        record.record_id = dice.choice([*session.scalars(select(target.id)), 4711])
    if dice.random() < 0.2:
        records.delete(session, record)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(grants=GRANTS, who=st.integers(0, 6))
def test_both_let_the_same_rows_through(world: Any, population: list[int], grants: dict[str, Any], who: int) -> None:
    _give(world, population[who], grants)
    caller = world.as_user(population[who])
    with world.session() as session:
        actor = load_actor(session, population[who])
        assert actor is not None
    with world.database.read_only(actor) as session:
        by_session = {model: sorted(session.scalars(select(model.id))) for model in MODELS}
    for model in MODELS:
        if grants[name_of(model)] is None:
            assert caller.get(address(model)).status_code == 403
            continue
        data = caller.data(f"{address(model)}?fields=id&pageSize=200&sort=id")
        assert [row["id"] for row in data["list"]] == by_session[model], name_of(model)
        assert data["pagination"]["total"] == len(by_session[model])


def _give(world: Any, user_id: int, grants: dict[str, Any]) -> None:
    """A role with these scopes, instead of what the user had."""
    chosen = {str(permission(REGISTRY[name], "view")): scope for name, scope in grants.items() if scope}
    holder = world.caller(**chosen)
    with world.session() as session:
        session.get(User, user_id).roles = list(session.get(User, holder.user_id).roles)


def test_what_is_included_keeps_to_the_scope_of_its_own_entity(world: Any, admin: Any) -> None:
    with world.session() as session:
        foreign = make(Customer, session).id
    who = world.caller(view_contacts=Scope.ALL, view_customers=Scope.OWN, update_contact=Scope.ALL)
    with world.session() as session:
        contact = make(Contact, session, customer_id=foreign).id
    path = f"/contacts/{contact}"
    shown = who.data(f"{path}?include=customer,owner")
    assert (shown["customerId"], shown["customer"], shown["owner"]) == (foreign, None, None)
    assert admin.data(f"{path}?include=customer")["customer"]["id"] == foreign
    assert who.put(path, {"name": "Another name"}).json()["data"]["customerId"] == foreign
    assert who.put(path, {"customerId": foreign}).is_success  # unchanged is no new link
    with world.session() as session:
        other = make(Customer, session).id
    refused = who.put(path, {"customerId": other})
    assert refused.json()["errors"] == [{"field": "customerId", "message": "Customer not found"}]
    with world.session() as session:
        records.delete(session, session.get(Customer, foreign))
    assert admin.get(path).status_code == 404  # it went to the trash with its customer
