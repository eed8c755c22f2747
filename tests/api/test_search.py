"""`GET /api/search`: its answer, its parameters, and whose records it tells of."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import Scope
from crm.models import Customer, User
from crm.services import records


def test_what_is_found_is_told_with_its_kind_and_a_word_more(world: Any, caller: Any) -> None:
    who = caller(view_customers=Scope.ALL)
    with world.session() as session:
        key = records.create(session, Customer, {"name": "Zephyrine Works", "city": "Basel"}).id
    answer = who.get("/search?q=zephyrine")
    assert answer.json() == {
        "code": 200,
        "message": "Success",
        "data": {"list": [{"type": "customer", "id": key, "title": "Zephyrine Works", "subtitle": "Basel"}]},
    }
    assert who.data("/search?q=zephyrine&types=contact,task&limit=3") == {"list": []}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=%20", "q"),
        (f"q={'x' * 201}", "q"),
        ("q=a&types=user", "types"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=999", "limit"),
        ("q=a&limit=x", "limit"),
        ("q=a&page=2", "page"),
    ],
)
def test_a_wrong_parameter_is_named(caller: Any, query: str, field: str) -> None:
    answer = caller().get(f"/search?{query}")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_somebody_elses_records_are_not_told_and_a_token_is_needed(world: Any, caller: Any, anybody: Any) -> None:
    own, other = caller(view_customers=Scope.OWN), caller(view_customers=Scope.OWN)
    with world.session() as session:
        owner = session.get(User, own.user_id)
        records.create(session, Customer, {"name": "Quillon Ltd", "owner_id": owner.id})
    assert [hit["title"] for hit in own.data("/search?q=quillon")["list"]] == ["Quillon Ltd"]
    assert other.data("/search?q=quillon")["list"] == []
    assert anybody.get("/search?q=quillon").status_code == 401
