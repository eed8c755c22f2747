"""The audit: one row per changed record, in the transaction of the change."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm import access
from crm.actor import system
from crm.db import Database
from crm.logs import request_id
from crm.models import AuditEntry, Customer, Tag, User
from crm.services import records

TEST = system("test")


def _entries(database: Database, entity: str) -> list[AuditEntry]:
    with database.read_only(TEST) as session:
        found = select(AuditEntry).where(AuditEntry.entity == entity).order_by(AuditEntry.id)
        return list(session.scalars(found))


def _customer(database: Database) -> int:
    with database.transaction(TEST) as session:
        made = records.create(session, Customer, {"name": "Acme", "size": 5})
        return int(made.id)


def test_create_change_and_delete_leave_before_and_after(database: Database) -> None:
    key = _customer(database)
    with database.transaction(TEST) as session:
        records.update(session, access.find(session, Customer, key), {"size": 6, "name": "Acme"})
    with database.transaction(TEST) as session:
        records.delete(session, access.find(session, Customer, key))
    created, updated, deleted = _entries(database, "customer")
    assert (created.action, created.record_id, created.changes["size"]) == ("create", key, [None, 5])
    assert (updated.action, updated.changes) == ("update", {"size": [5, 6]})
    assert deleted.action == "delete"


def test_a_save_that_changes_nothing_is_not_written_down(database: Database) -> None:
    key = _customer(database)
    with database.transaction(TEST) as session:
        records.update(session, access.find(session, Customer, key), {"size": 5})
    assert [e.action for e in _entries(database, "customer")] == ["create"]


def test_a_rolled_back_change_leaves_no_trace(database: Database) -> None:
    def fail_half_way() -> None:
        with database.transaction(TEST) as session:
            records.create(session, Customer, {"name": "Gone"})
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert _entries(database, "customer") == []


def test_links_are_written_down_as_numbers(database: Database) -> None:
    key = _customer(database)
    with database.transaction(TEST) as session:
        tag = records.create(session, Tag, {"name": "hot"})
        records.update(session, access.find(session, Customer, key), {"tags": [tag.id]})
        wanted = tag.id
    assert _entries(database, "customer")[-1].changes == {"tags": [[], [wanted]]}


def test_secrets_are_masked(database: Database) -> None:
    with database.transaction(TEST) as session:
        session.add(User(username="u", email="u@x.test", password_hash="$2b$secret"))
    assert "$2b$secret" not in str([e.changes for e in _entries(database, "user")])
    assert _entries(database, "user")[0].changes["password_hash"] == ["***", "***"]


def test_a_purged_record_stays_readable_in_the_audit(database: Database) -> None:
    key = _customer(database)
    with database.transaction(TEST) as session:
        customer = access.find(session, Customer, key)
        records.delete(session, customer)
        records.purge(session, customer)
    last = _entries(database, "customer")[-1]
    assert (last.action, last.changes["name"]) == ("purge", ["Acme", None])


def test_the_request_and_the_actor_are_named(database: Database) -> None:
    token = request_id.set("req-1")
    try:
        _customer(database)
    finally:
        request_id.reset(token)
    entry = _entries(database, "customer")[0]
    assert (entry.request_id, entry.actor_name, entry.actor_id) == ("req-1", "test", None)
