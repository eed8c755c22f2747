"""The statements of a timeline find their rows by an index, with 100,000 interactions of one customer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, text

from crm.actor import system
from crm.db import Database
from crm.models import Customer
from crm.services import records, timeline
from crm.services.timeline_places import Place

COUNT = {"interaction": 100_000, "task": 20_000, "audit_entry": 20_000}
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) "
THEN = "'2026-01-01 00:00:00.000000'"
RECORD = {"created_at": THEN, "updated_at": THEN, "version": "1", "search_text": "''"}
LINK = {"record_type": "'customer'", "record_id": "1 + i % 4000"}
ROWS: dict[str, dict[str, str]] = {
    "interaction": RECORD
    | {"kind": "'note'", "direction": "'outbound'", "subject": "'s'", "body": "''", "outcome": "''"}
    | {"occurred_at": THEN, "customer_id": "1"},
    "task": RECORD
    | LINK
    | {"title": "'t'", "description": "''", "kind": "'todo'", "status": "'not_started'", "priority": "'normal'"}
    | {"progress": "0", "checklist": "'[]'", "completed_at": THEN},
    "audit_entry": {"created_at": THEN, "actor_name": "''", "action": "'update'", "entity": "'customer'"}
    | {"record_id": "1 + i % 4000", "changes": "'{}'", "request_id": "''"},
}


@pytest.fixture
def full(database: Database) -> Database:
    with database.transaction(system("test")) as session:
        records.create(session, Customer, {"name": "Acme"})
        connection = session.connection()
        postgresql = connection.dialect.name == "postgresql"
        for table, values in ROWS.items():
            given = {name: _cast(name, value) if postgresql else value for name, value in values.items()}
            columns, cells = ", ".join(given), ", ".join(given.values())
            connection.execute(text(f"INSERT INTO {table} ({columns}) {NUMBERS % COUNT[table]} SELECT {cells} FROM n"))
        connection.execute(text("ANALYZE"))
    return database


def _cast(name: str, value: str) -> str:
    kind = {"checklist": "::jsonb", "changes": "::jsonb"}.get(name, "::timestamptz" if name.endswith("_at") else "")
    return f"{value}{kind}"


def _plans(database: Database, place: Place) -> dict[str, str]:
    """Statement → plan, of one page."""
    told: list[tuple[str, Any]] = []
    with database.read_only(system("test")) as session:
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *a: told.append((a[2], a[3])))
        found, following = timeline.page(session, Customer, 1, after=place)
        assert len(found) == 20
        assert following is not None
        explain = "EXPLAIN " if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        plans = {}
        for statement, values in list(told):
            rows = connection.exec_driver_sql(explain + statement, values)
            plans[statement] = "\n".join(str(row[-1]) for row in rows)
    return plans


def test_a_deep_page_is_read_along_the_indexes(full: Database) -> None:
    deep = Place(datetime(2026, 1, 1, tzinfo=UTC), "interaction", 5_000)
    plans = _plans(full, deep)
    notes = next(plan for sql, plan in plans.items() if "FROM interaction" in sql)
    assert "ix_interaction_customer_id_occurred_at_id" in notes
    assert "Sort" not in notes
    assert "TEMP B-TREE" not in notes
    for table in ("task", "audit_entry"):
        found = [plan for sql, plan in plans.items() if f"FROM {table}" in sql]
        assert found
        for plan in found:
            assert f"ix_{table}_record" in plan, plan
