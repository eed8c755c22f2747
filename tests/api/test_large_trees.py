"""A large tree of categories over many customers: a branch is found by indexes, and moves in one statement."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest
from sqlalchemy import event, func, select, text

from crm import access
from crm.actor import system
from crm.api.filters import condition, parse_filter
from crm.columns import now
from crm.db import Database
from crm.fields import fields_of
from crm.models import Category, CategoryType, Customer
from crm.models.base import Base
from crm.services import categories, records
from seeds.bulk import insert_rows

TEST = system("test")
TABLES = Base.metadata.tables
BRANCHES, DEPTH, CUSTOMERS = 21, 50, 20_000


@pytest.fixture
def forest(database: Database) -> dict[str, Any]:
    """Two roots; below the first, branches of fifty levels each; every customer is at one of these nodes."""
    with database.transaction(TEST) as session:
        session.info["audit_off"] = True
        kind = records.create(session, CategoryType, {"name": "Industry", "code": "industry"})
        moment = now()
        stamp = {"created_at": moment, "updated_at": moment, "version": 1, "description": "", "sort": 0}
        numbers = insert_rows(session, TABLES["category"], _nodes(kind.id, stamp))
        home, away, nodes = numbers[0], numbers[1], numbers[2:]
        for start in range(0, len(nodes), DEPTH):  # the numbers are known only now
            path, above = f"/{home}/", home
            for key in nodes[start : start + DEPTH]:
                path = f"{path}{key}/"
                _place(session, key, above, path)
                above = key
        for root in (home, away):
            _place(session, root, None, f"/{root}/")
        person = {"status": "prospect", "search_text": "", **_empty(Customer), **stamp}
        person = {name: value for name, value in person.items() if name in Customer.__table__.c}
        rows = [person | {"name": f"Customer {n}", "industry_id": nodes[n % len(nodes)]} for n in range(CUSTOMERS)]
        insert_rows(session, TABLES["customer"], rows)
        session.connection().execute(text("ANALYZE"))
        return {"home": home, "away": away, "nodes": nodes}


def _nodes(type_id: int, stamp: dict[str, Any]) -> list[dict[str, Any]]:
    count = 2 + BRANCHES * DEPTH
    return [stamp | {"name": f"Node {n}", "code": f"n{n}", "type_id": type_id, "path": ""} for n in range(count)]


def _place(session: Any, key: int, above: int | None, path: str) -> None:
    table = TABLES["category"]
    session.connection().execute(table.update().where(table.c.id == key).values(parent_id=above, path=path))


def _empty(model: type[Any]) -> dict[str, Any]:
    """What the columns of a table that may not be empty hold in the beginning."""
    plain = [c for c in model.__table__.c if not c.nullable and not c.primary_key and c.default is not None]
    return {c.name: c.default.arg(None) if callable(c.default.arg) else c.default.arg for c in plain}


def _below(key: int) -> Any:
    wanted, values = parse_filter(fields_of(Customer)["industry_id"], "under", str(key), 0)
    clause = condition(Customer, wanted, 0)
    return select(Customer.id).where(clause, Customer.deleted_at.is_(None)).params(values)


def test_customers_of_a_branch_are_found_by_the_indexes(database: Database, forest: dict[str, Any]) -> None:
    deep = forest["nodes"][DEPTH // 2]  # the lower half of one branch
    with database.read_only(TEST) as session:
        connection, plans = session.connection(), list[str]()
        word = "EXPLAIN " if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "

        def explain(_connection: Any, cursor: Any, statement: str, values: Any, *_: Any) -> None:
            cursor.execute(word + statement, values)
            plans.append("\n".join(str(row[-1]) for row in cursor.fetchall()))

        event.listen(connection, "before_cursor_execute", explain)
        found = connection.execute(_below(deep)).scalars().all()
    assert CUSTOMERS // BRANCHES // 2 - 1 <= len(found) <= CUSTOMERS // BRANCHES // 2 + DEPTH
    [plan] = plans
    assert "ix_category_path" in plan
    assert "ix_customer_industry_id" in plan
    assert "Seq Scan on customer" not in plan
    assert "SCAN customer" not in plan


def test_a_branch_of_a_thousand_nodes_moves_in_one_statement(database: Database, forest: dict[str, Any]) -> None:
    home, away = forest["home"], forest["away"]
    begun, statements = monotonic(), list[str]()
    with database.transaction(TEST) as session:
        event.listen(session.connection(), "before_cursor_execute", lambda *a: statements.append(a[2]))
        records.update(session, access.find(session, Category, home, lock=True), {"parent_id": away})
    assert monotonic() - begun < 10  # a fraction of it, unless the machine is busy
    assert len([one for one in statements if one.startswith("UPDATE category SET path")]) == 1
    with database.read_only(TEST) as session:
        branch = categories.subtree(session, session.get_one(Category, away))
        assert branch[:2] == [away, home]
        assert len(branch) == 2 + BRANCHES * DEPTH
        deepest = session.scalar(select(Category.path).where(Category.id == forest["nodes"][DEPTH - 1])) or ""
        assert deepest.startswith(f"/{away}/{home}/")
        assert deepest.count("/") == DEPTH + 3
        everyone = _below(away).with_only_columns(func.count(Customer.id))
        assert session.connection().scalar(everyone) == CUSTOMERS
        assert session.connection().scalar(_below(home).with_only_columns(func.count(Customer.id))) == CUSTOMERS
