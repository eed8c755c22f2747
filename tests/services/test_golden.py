"""The golden cases at the services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from crm.actor import system
from crm.audit import plain
from crm.db import Database
from crm.fields import Kind, fields_of
from crm.models import Opportunity
from crm.services import opportunity_moves as moves
from crm.services import pipeline_figures, records
from tests.golden import CASES, START, Case, check
from tests.services.sales import Sales, department


@pytest.fixture
def sales(database: Database) -> Iterator[Sales]:
    with database.transaction(system("test")) as session:
        yield department(session)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_golden_case_comes_out_right(sales: Sales, case: Case) -> None:
    with time_machine.travel(START, tick=False) as clock:
        deals = {name: _deal(sales, values) for name, values in case.deals.items()}
        for step in case.steps:
            clock.shift(step["after_s"])
            _do(sales, deals.get(step.get("deal", "")), step)
        shown = {name: _shown(deal) for name, deal in deals.items()}
        histories = {name: _history(sales, deal) for name, deal in deals.items()}
    check(case, shown, histories)
    if case.open is not None:
        totals = pipeline_figures.by_currency(pipeline_figures.open_pipeline(sales.session))
        assert {t.currency: [t.count, str(t.amount), t.without_amount] for t in totals} == case.open


def _deal(sales: Sales, values: dict[str, Any]) -> Opportunity:
    given = dict(values)
    if "stage" in given:
        given["stage_id"] = sales.stages[given.pop("stage")].id
    for name in given.keys() & {"amount", "probability_override"}:
        given[name] = Decimal(given[name])
    if "expected_close_date" in given:
        given["expected_close_date"] = date.fromisoformat(given["expected_close_date"])
    return sales.deal(**given)


def _do(sales: Sales, deal: Any, step: dict[str, Any]) -> None:
    if "move" in step:
        moves.move(sales.session, deal, stage_id=sales.stages[step["move"]].id)
    elif "win" in step:
        at = step["win"].get("closed_at")
        moves.win(sales.session, deal, closed_at=datetime.fromisoformat(at) if at else None)
    elif "lose" in step:
        moves.lose(sales.session, deal, lost_reason_id=sales.reasons[step["lose"]["reason"]].id)
    elif "reopen" in step:
        moves.reopen(sales.session, deal)
    elif "edit" in step:
        records.update(sales.session, deal, step["edit"])
    for old, new in step.get("rename", {}).items():
        records.update(sales.session, sales.stages[old], {"name": new})


def _shown(deal: Opportunity) -> dict[str, Any]:
    """The deal's fields, spelled as the API spells them."""
    fields = [f for f in fields_of(Opportunity).values() if f.kind is not Kind.REFERENCES]
    return {field.json: _spelled(field.kind, getattr(deal, field.name)) for field in fields}


def _spelled(kind: Kind, value: Any) -> Any:
    if kind is Kind.INSTANT and value is not None:
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return float(value) if kind is Kind.FRACTION and value is not None else plain(value)


def _history(sales: Sales, deal: Opportunity) -> list[list[Any]]:
    return [[row.change.value, row.before, row.after, row.seconds_in_stage] for row in sales.history(deal)]
