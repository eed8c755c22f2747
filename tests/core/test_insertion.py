"""A record inserted by itself is the same as one that went through the flush."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from crm import insertion
from crm.actor import system
from crm.db import CrmSession, Database
from crm.errors import BadInput
from crm.models import AuditEntry, Category, CategoryType, Product, Tag
from crm.services import records

TEST = system("test")
VALUES = {"name": "张伟 Acme", "unit_price": Decimal("12.50"), "description": "Berlin"}
CHANGING = ("id", "created_at", "updated_at", "name", "code", "search_text")


def _make(session: Session, name: str) -> int:
    made = records.create(session, Product, VALUES | {"name": name, "code": name})
    assert made in session
    records.update(session, made, {"active": False})
    return int(made.id)


def _told(database: Database, key: int) -> tuple[dict[str, Any], list[Any]]:
    with database.read_only(TEST) as session:
        row = session.get_one(Product, key)
        columns = {c.key: getattr(row, c.key) for c in Product.__table__.columns if c.key not in CHANGING}
        found = select(AuditEntry).where(AuditEntry.entity == "product", AuditEntry.record_id == key)
        entries = session.scalars(found.order_by(AuditEntry.id))
        return columns, [(e.action, e.actor_name, {**e.changes, "name": "", "code": ""}) for e in entries]


def test_both_ways_leave_the_same_row_and_the_same_audit(database: Database) -> None:
    with database.transaction(TEST) as session:
        flushed = _make(session, "One")
    alone = asyncio.run(_through_the_web_door(database, "Two"))
    assert _told(database, alone) == _told(database, flushed)
    assert [action for action, _, _ in _told(database, alone)[1]] == ["create", "update"]


async def _through_the_web_door(database: Database, name: str) -> int:
    try:
        return await database.run(TEST, _make, name)
    finally:
        await database.dispose_async()


@pytest.mark.parametrize("backend", ["postgresql"])
def test_on_postgresql_the_web_door_needs_no_flush(database: Database, backend: str) -> None:
    flushed: list[Any] = []
    listen = lambda session, *_: flushed.extend(session.new)  # noqa: E731
    event.listen(CrmSession, "before_flush", listen)
    try:
        asyncio.run(_through_the_web_door(database, "Alone"))
    finally:
        event.remove(CrmSession, "before_flush", listen)
    assert flushed == []


def test_a_taken_name_is_told_in_the_same_sentence(database: Database) -> None:
    def twice(session: Session) -> None:
        records.create(session, Tag, {"name": "hot"})
        records.create(session, Tag, {"name": "hot"})

    async def run() -> None:
        try:
            await database.run(TEST, twice)
        finally:
            await database.dispose_async()

    with pytest.raises(BadInput, match="Tag name already exists"):
        asyncio.run(run())
    with database.read_only(TEST) as session:
        assert session.scalars(select(Tag)).all() == []


def test_entities_that_watch_the_flush_are_left_to_it(database: Database) -> None:
    """Whoever listens to the session's flush for an entity adds its table to WATCHED."""
    assert {"opportunity", "user", "role", "team"} <= insertion.WATCHED
    with database.transaction(TEST) as session:
        kind = CategoryType(name="K", code="k")
        session.add(kind)
        assert insertion._is_alone(session, kind)
        session.flush()
        category = Category(name="C", code="c", type_id=kind.id)
        session.add(category)
        assert not insertion._is_alone(session, category)
