"""What is computed about deals can be asked for and ordered by, alike on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from crm.columns import now
from crm.models.opportunity import Opportunity
from tests.factories import make


@pytest.fixture
def deals(system_session: Any) -> dict[int, str]:
    """number → name of three deals: 50.00 and 250.00 when weighted, and one without an amount."""
    today = now().date()
    shapes: dict[str, dict[str, Any]] = {
        "small": {"amount": Decimal("100.00"), "probability_override": Decimal("0.5")},
        "large": {
            "amount": Decimal("1000.00"),
            "probability_override": Decimal("0.25"),
            "expected_close_date": today - timedelta(days=30),
        },
        "unknown": {"amount": None, "probability_override": Decimal("0.9"), "expected_close_date": today},
    }
    with system_session() as session:
        return {make(Opportunity, session, **values).id: name for name, values in shapes.items()}


def _found(admin: Any, deals: dict[int, str], query: str) -> list[str]:
    data = admin.data(f"/opportunities?id[in]={','.join(map(str, deals))}&{query}")
    assert data["pagination"]["total"] >= len(data["list"])
    return [deals[row["id"]] for row in data["list"]]


ASKED: list[tuple[str, list[str]]] = [
    ("weightedAmount[gte]=50&sort=id", ["small", "large"]),
    ("weightedAmount[gt]=50", ["large"]),
    ("weightedAmount=250.00", ["large"]),
    ("weightedAmount[null]=true", ["unknown"]),
    ("weightedAmount[ne]=50&sort=-id", ["unknown", "large"]),
    ("probability[in]=0.5,0.9&sort=id", ["small", "unknown"]),
    ("probability[lt]=0.5", ["large"]),
    ("overdue=true", ["large"]),
    ("overdue[ne]=true&sort=id", ["small", "unknown"]),
    ("stale=true", []),
    ("ageDays[gte]=1", []),
    ("ageDays=0&sort=-id", ["unknown", "large", "small"]),
    ("sort=probability", ["large", "small", "unknown"]),
    ("sort=-weightedAmount", ["unknown", "large", "small"]),
    ("sort=weightedAmount&pageSize=1&page=2", ["large"]),
    ("sort=-overdue,name", ["large", "small", "unknown"]),
    ("sort=-probability&fields=id&pageSize=2&page=2", ["large"]),
]


def test_deals_are_found_and_ordered_by_their_figures(
    admin: Any, deals: dict[int, str], subtests: pytest.Subtests
) -> None:
    for query, found in ASKED:
        with subtests.test(query):
            first = ["large", *_found(admin, deals, "overdue=false&sort=name")]
            assert _found(admin, deals, query) == (first if query == "sort=-overdue,name" else found)


@pytest.mark.parametrize("early", [timedelta(milliseconds=5), timedelta(days=3)])
def test_a_deal_whose_dates_say_it_was_closed_before_it_was_made_is_no_day_old(
    system_session: Any, admin: Any, early: timedelta
) -> None:
    made = datetime(2026, 3, 2, 9, 0, 0, 1000, UTC)
    with system_session() as session:
        deal = make(Opportunity, session, name="early", created_at=made)
        deal.closed_at = made - early
        assert deal.age_days == 0
        key = deal.id
    assert admin.data(f"/opportunities/{key}")["ageDays"] == 0
    assert admin.data(f"/opportunities?id={key}&ageDays=0")["pagination"]["total"] == 1


def test_a_figure_is_no_place_to_go_on_from(admin: Any) -> None:
    answer = admin.get("/opportunities?sort=-weightedAmount&cursor=")
    assert answer.status_code == 400
    assert answer.json()["message"] == "sort: weightedAmount is computed and cannot be paged by cursor; use page"


def test_what_is_no_figure_is_refused(admin: Any) -> None:
    for query in ("weightedAmount=much", "probability[contains]=1", "overdue[gt]=true", "overdue=1", "ageDays=1.5"):
        assert admin.get(f"/opportunities?{query}").json()["errors"][0]["field"] == query.partition("=")[0]
