"""The initial data: complete, repeatable, safe in production, and no undoing of what people changed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from crm.actor import Scope, system
from crm.columns import now
from crm.db import Database
from crm.models import Base, Category, CategoryType, LostReason, Permission, Pipeline, Role, Stage, User
from crm.services import permissions, users
from crm.settings import Settings
from seeds import initial


def _counts(database: Database) -> dict[str, int]:
    with database.read_only(system("test")) as session:
        rows: dict[str, int] = {}
        for table in Base.metadata.sorted_tables:
            rows[table.name] = session.connection().scalar(select(func.count()).select_from(table)) or 0
        return rows


def _grants(database: Database, role: str) -> dict[str, Scope]:
    with database.read_only(system("test")) as session:
        found = session.scalars(select(Role).where(Role.name == role)).one()
        return {grant.permission.name: grant.scope for grant in found.grants}


def test_loading_twice_changes_nothing(database: Database, settings: Settings) -> None:
    initial.load(database, settings)
    before = _counts(database)
    initial.load(database, settings)
    assert _counts(database) == before


def test_the_roles_have_the_rights_the_documents_give_them(database: Database, settings: Settings) -> None:
    initial.load(database, settings)
    named = {"create_user", "view_users", "update_user", "delete_user", "manage_roles", "manage_categories"}
    everything = _grants(database, "admin")
    assert everything.keys() == permissions.rights().keys() >= named
    user = _grants(database, "user")
    assert user["view_users"] is Scope.ALL
    own = {name for name in user if "notification" in name}
    assert all(name.startswith("view_") for name in user.keys() - own)
    assert {user[name] for name in own} == {Scope.OWN}
    assert user["view_contacts"] is user["view_opportunities"] is Scope.OWN
    assert not user.keys() & {"view_audit_entries", "view_jobs", "view_email_messages", "manage_roles"}
    sales, manager = _grants(database, "sales"), _grants(database, "manager")
    assert sales["update_opportunity"] is Scope.OWN
    assert manager["export_opportunities"] is Scope.ALL
    assert not (sales.keys() | manager.keys()) & {"create_user", "manage_roles", "view_audit_entries", "purge_contacts"}


def test_the_default_pipeline_stands_as_described(database: Database, settings: Settings) -> None:
    initial.load(database, settings)
    with database.read_only(system("test")) as session:
        assert session.scalars(select(Pipeline)).one().is_default
        stages = session.scalars(select(Stage).order_by(Stage.position)).all()
        assert [(s.name, float(s.default_probability), s.expected_days) for s in stages] == [
            ("Prospecting", 0.1, 14),
            ("Qualification", 0.2, 14),
            ("Proposal", 0.5, 10),
            ("Negotiation", 0.8, 10),
            ("Closed Won", 1.0, None),
            ("Closed Lost", 0.0, None),
        ]
        assert set(session.scalars(select(CategoryType.code))) == {"industry", "source"}
        assert all(path.startswith("/") for path in session.scalars(select(Category.path)))


def test_production_gets_no_default_account(database: Database, settings: Settings) -> None:
    initial.load(database, settings.model_copy(update={"env": "production"}))
    counts = _counts(database)
    assert (counts["user"], counts["role"], counts["pipeline"]) == (0, 4, 1)


def test_the_default_password_is_noticed_while_it_stands(database: Database, settings: Settings) -> None:
    initial.load(database, settings)
    with database.transaction(system("test")) as session:
        assert users.default_password_stands(session)
        session.scalars(select(User)).one().status = False
        session.flush()
        assert not users.default_password_stands(session)


def test_what_people_changed_stays_changed(database: Database, settings: Settings) -> None:
    initial.load(database, settings)
    with database.transaction(system("test")) as session:
        _change_everything(session)
    before = _counts(database)
    initial.load(database, settings)
    assert _counts(database) == before
    assert "view_contacts" not in _grants(database, "user")


def _change_everything(session: Any) -> None:
    user = session.scalars(select(Role).where(Role.name == "user")).one()
    user.grants = [grant for grant in user.grants if grant.permission.name != "view_contacts"]
    session.scalars(select(Role).where(Role.name == "sales")).one().deleted_at = now()
    session.delete(session.scalars(select(Role).where(Role.name == "manager")).one())
    second = User(username="root", email="root@example.com")
    second.roles = list(session.scalars(select(Role).where(Role.name == "admin")))
    session.add(second)
    session.scalars(select(User).where(User.username == "admin")).one().deleted_at = now()
    for reason in session.scalars(select(LostReason)).all()[1:]:
        session.delete(reason)
    session.scalars(select(Pipeline)).one().name = "Vertrieb"


@pytest.mark.parametrize("role", ["user", "sales"])
def test_a_permission_that_is_new_is_granted_to_whom_it_is_meant_for(
    database: Database, settings: Settings, role: str
) -> None:
    initial.load(database, settings)
    before = _grants(database, role)
    with database.transaction(system("test")) as session:
        session.delete(session.scalars(select(Permission).where(Permission.name == "view_tasks")).one())
    assert "view_tasks" not in _grants(database, role)
    initial.load(database, settings)
    assert _grants(database, role) == before
