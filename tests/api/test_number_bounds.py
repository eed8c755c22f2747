"""Numbers at the bounds of their columns: found, refused and kept alike on both databases."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm.models.email_template import EmailTemplate
from crm.models.opportunity import Opportunity
from tests.factories import make

MONEY, SHARE = "of at most 16 digits and 2 decimals", "of at most 4 decimals"
LARGEST = 2**63 - 1


NO_FILTERS = [
    ("amount[lt]", "-9999999999999999.9999999999", MONEY),
    ("amount[gte]", "99999999999999999", MONEY),
    ("amount[gt]", "1000.005", MONEY),
    ("amount", "1e5", MONEY),
    ("amount", "0" * 5000 + "1e1", MONEY),
    ("weightedAmount[lt]", "9999999999999999.999", MONEY),
    ("probability[gte]", "99", SHARE),
    ("probability[lt]", "9.99995", SHARE),
    ("probability", "0.33333", SHARE),
    ("stageId", str(2**63), "the number of a record"),
    ("id", str(2**63), "a whole number"),
    ("ageDays", str(2**63), "a whole number"),
]


def test_a_number_no_column_can_hold_is_no_filter(admin: Any, subtests: pytest.Subtests) -> None:
    for name, value, sentence in NO_FILTERS:
        with subtests.test(f"{name} {value[:40]}"):
            answer = admin.get("/opportunities", params={name: value})
            assert answer.status_code == 400
            (error,) = answer.json()["errors"]
            assert error["field"] == name
            assert sentence in error["message"]


FILTERS = [
    ("amount[lte]=9999999999999999.99", True),
    ("amount[gt]=-9999999999999999.99", True),
    ("amount=00012.5000", True),
    ("amount=-0", False),
    ("probability[lte]=9.9999", True),
    ("weightedAmount[lt]=9999999999999999.99", True),
    (f"id[lt]={LARGEST}", True),
    (f"id[gt]={2**40}", False),
    (f"ownerId[ne]={LARGEST}", True),
    (f"ageDays[lt]={LARGEST}", True),
]


def test_the_largest_numbers_are_filters_like_others(
    admin: Any, system_session: Any, subtests: pytest.Subtests
) -> None:
    with system_session() as session:
        make(Opportunity, session, amount=Decimal("12.50"))
    for query, found in FILTERS:
        with subtests.test(query):
            assert admin.data(f"/opportunities?{query}")["pagination"]["total"] == found


def test_the_number_of_a_record_has_64_bits_wherever_one_is_asked_for(admin: Any) -> None:
    assert admin.data(f"/audit?recordId={LARGEST}")["list"] == []
    assert admin.data(f"/notifications?id[in]=1,{LARGEST}")["list"] == []
    answer = admin.post("/tasks", {"title": "linked", "recordType": "contact", "recordId": LARGEST})
    assert "not found" in answer.json()["message"]


@pytest.mark.parametrize(("number", "status"), [(2**31 - 1, 404), (2**31, 400), (-(2**31) - 1, 400), (LARGEST, 400)])
def test_a_number_given_to_a_verb_is_one_that_a_column_can_hold(
    admin: Any, system_session: Any, number: int, status: int
) -> None:
    with system_session() as session:
        key = make(EmailTemplate, session).id
    answer = admin.post(f"/email-templates/{key}/restore-version", {"number": number})
    assert answer.status_code == status
    assert "number" in answer.json()["message"] or status == 404


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ('"9999999999999999.99"', "9999999999999999.99"),
        ('"1234567890123456.78"', "1234567890123456.78"),
        ("1234567890123456", "1234567890123456.00"),
        ("9999999999999.99", "9999999999999.99"),
        ("-9999999999999.99", "-9999999999999.99"),
    ],
)
def test_an_amount_is_kept_to_the_cent(admin: Any, system_session: Any, body: str, kept: str) -> None:
    assert _priced(admin, body).json()["data"]["unitPrice"] == kept


@pytest.mark.parametrize("body", ["1234567890123456.78", "10000000000000.5", "-1e13", "9999999999999999.99"])
def test_an_amount_that_a_json_number_cannot_tell_is_refused(admin: Any, body: str) -> None:
    answer = _priced(admin, body)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == "unitPrice"
    assert error["message"].startswith("must be sent as text")


def _priced(admin: Any, price: str) -> Any:
    body = f'{{"name": "Priced", "code": "P", "currency": "USD", "unitPrice": {price}}}'
    return admin.post("/products", content=body, headers={"content-type": "application/json"})
