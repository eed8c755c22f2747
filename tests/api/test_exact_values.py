"""What is sent must be written as what it is: nothing is guessed into a number, a day or an instant."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models.opportunity import Opportunity
from tests.factories import make

DAY, INSTANT, WHOLE, NUMBER = "a date such", "an instant such", "a whole number", "must be a number"
REFUSED = [
    ("/contacts", "name", "birthday", 0, DAY),
    ("/contacts", "name", "birthday", "0", DAY),
    ("/contacts", "name", "birthday", "2020-01-01T00:00:00Z", DAY),
    ("/contacts", "name", "birthday", "0001-01-01", DAY),
    ("/contacts", "name", "customerId", True, WHOLE),
    ("/contacts", "name", "customerId", "1", WHOLE),
    ("/contacts", "name", "tagIds", [True], WHOLE),
    ("/tasks", "title", "progress", True, WHOLE),
    ("/tasks", "title", "progress", "7", WHOLE),
    ("/tasks", "title", "startAt", 1.5, INSTANT),
    ("/tasks", "title", "startAt", "1609459200", INSTANT),
    ("/tasks", "title", "startAt", "9999-12-31T23:59:59-12:00", INSTANT),
    ("/tasks", "title", "startAt", "0001-01-01T00:00:00Z", INSTANT),
    ("/tasks", "title", "startAt", "2026-11-21", "a time zone"),
    ("/tasks", "title", "reminders", [{"remindAt": 0}], INSTANT),
    ("/opportunities", "name", "amount", "1_000", NUMBER),
    ("/opportunities", "name", "amount", "\u0661\u0662", NUMBER),
    ("/opportunities", "name", "amount", "1e3", NUMBER),
    ("/opportunities", "name", "amount", True, NUMBER),
]


def test_a_value_of_another_kind_is_refused_by_name(admin: Any, subtests: pytest.Subtests) -> None:
    for path, label, field, value, sentence in REFUSED:
        with subtests.test(f"{path} {field} {value!r}"):
            answer = admin.post(path, {label: "exact", field: value})
            assert answer.status_code == 400
            (error,) = answer.json()["errors"]
            assert error["field"].startswith(field)
            assert sentence in error["message"]


def test_the_options_of_a_verb_are_looked_at_alike(admin: Any, system_session: Any) -> None:
    with system_session() as session:
        key = make(Opportunity, session).id
    for sent in ({"closedAt": 0}, {"amount": "1_0"}, {"amount": True}):
        answer = admin.post(f"/opportunities/{key}/win", sent)
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == list(sent)


def test_what_is_well_written_is_taken_as_it_is(admin: Any, system_session: Any) -> None:
    with system_session() as session:
        make(Opportunity, session)  # and a pipeline for others
    made = admin.post("/opportunities", {"name": "exact", "amount": 1000.5, "expectedCloseDate": "2026-11-30"})
    assert made.json()["data"]["amount"] == "1000.50"
    task = admin.post("/tasks", {"title": "exact", "startAt": "2026-11-21T10:00:00+08:00", "progress": 7})
    assert task.json()["data"]["startAt"] == "2026-11-21T02:00:00Z"
