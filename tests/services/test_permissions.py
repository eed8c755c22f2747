"""The catalogue of permissions: each one is asked for by some door."""

from __future__ import annotations

from sqlalchemy import select

from crm.actor import system
from crm.api.app import all_routes
from crm.api.routing import Table
from crm.db import Database
from crm.entity import permission
from crm.fields import models
from crm.models import Permission
from crm.services.permissions import rights, sync

#: named by the documents beside the others, for what people keep in tables elsewhere; their door comes with the import
AWAITED = {f"import_{what}" for what in ("contacts", "customers", "interactions", "opportunities", "products", "tasks")}


def _asked() -> set[str]:
    """By a route of the API; by the panel's export of every list; by its trash, where there is one."""
    routes = {method.access for endpoint in Table(all_routes()).endpoints for method in endpoint.methods.values()}
    lists = {permission(model, "export") for model in models()}
    trash = {permission(model, "purge") for model in models() if hasattr(model, "deleted_at")}
    return {str(name) for name in routes | lists | trash}


def test_every_permission_is_asked_for_and_none_that_does_not_exist() -> None:
    known = set(rights())
    assert known - _asked() == AWAITED
    assert _asked() - known == {"public", "token"}


def test_a_permission_that_no_longer_exists_is_taken_from_the_table(database: Database) -> None:
    with database.transaction(system("test")) as session:
        session.add(Permission(name="import_attachments", action="import", resource="attachments"))
        session.flush()
        sync(session)
        assert set(session.scalars(select(Permission.name))) == set(rights())
