"""The application and its callers, for every test in this folder."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope, system
from crm.db import Database
from crm.models import (
    Attachment,
    Contact,
    Customer,
    Opportunity,
    Role,
    Task,
)
from crm.services import permissions
from seeds.initial.roles import load_roles
from tests import factories
from tests.api.user_samples import SignIn
from tests.clients import Caller, World, admin, anybody, caller, client, system_session, world
from tests.installed import add_user, initial_rows, installed, sign_in

__all__ = [
    "add_user",
    "admin",
    "anybody",
    "caller",
    "client",
    "initial_rows",
    "installed",
    "sign_in",
    "system_session",
    "world",
]


@pytest.fixture
def keeper(caller: Callable[..., Caller]) -> Caller:
    """Keeps the categories."""
    return caller(manage_categories=Scope.ALL)


@pytest.fixture
def reader(caller: Callable[..., Caller]) -> Caller:
    """A token and no permission."""
    return caller()


@pytest.fixture
def root(sign_in: SignIn, installed: Database) -> Caller:
    """The administrator of a fresh installation."""
    return sign_in("admin", "admin123")


@pytest.fixture
def role_id(installed: Database) -> Callable[[str], int]:
    """A role's number by its name."""

    def find(name: str) -> int:
        with installed.read_only(system("test")) as session:
            return session.scalars(select(Role.id).where(Role.name == name)).one()

    return find


@pytest.fixture
def seller(world: World) -> Caller:
    """Somebody with the role `sales`, as every installation has it."""
    with world.session() as session:
        load_roles(session, permissions.sync(session))
        user = factories.user(session)
        user.roles = [session.scalars(select(Role).where(Role.name == "sales")).one()]
        user_id = user.id
    return world.as_user(user_id)


@pytest.fixture
def deal(world: World, seller: Caller) -> dict[str, int]:
    """A deal of the seller, with its customer, two people there, a task and a file."""
    with world.session() as session:
        mine: dict[str, Any] = {"owner_id": seller.user_id}
        customer = factories.make(Customer, session, name="Example Ltd", **mine)
        there = {**mine, "customer_id": customer.id, "do_not_contact": False}
        people = [
            factories.make(Contact, session, name=name, email=f"{name}@example.com", **there) for name in ("Bo", "Cy")
        ]
        made = factories.make(Opportunity, session, customer_id=customer.id, contact_id=people[0].id, **mine)
        task = factories.make(Task, session, record_type="opportunity", record_id=made.id, assignee_id=seller.user_id)
        file = Attachment(name="a.pdf", sha256="0" * 64, media_type="application/pdf", size=8, owner_id=seller.user_id)
        session.add(file)
        session.flush()
        found = {
            "opportunity": made,
            "customer": customer,
            "bo": people[0],
            "cy": people[1],
            "task": task,
            "file": file,
        }
        return {name: record.id for name, record in found.items()}
