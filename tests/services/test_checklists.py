"""Checklists of tasks."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import system
from crm.db import Database
from crm.errors import BadInput, Conflict
from crm.services import tasks
from tests.services.task_samples import task


def test_a_checklist_is_kept_tidy(database: Database) -> None:
    with database.transaction(system("test")) as session:
        made = task(session, checklist=[{"text": " Dial "}, {"text": "Talk", "done": True}])
        assert made.checklist == [{"text": "Dial", "done": False}, {"text": "Talk", "done": True}]
        tasks.tick(session, made, step=0, text="Dial")
        tasks.tick(session, made, step=1, done=False)
        assert [step["done"] for step in made.checklist] == [True, False]
        with pytest.raises(BadInput, match="number of a step"):
            tasks.tick(session, made, step=2)
        with pytest.raises(Conflict):
            tasks.tick(session, made, step=0, text="Hang up")


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([{"text": ""}], "checklist.0.text"),
        ([{"text": "A"}, {"text": "B", "done": "yes"}], "checklist.1.done"),
        ([{"text": "A", "who": "B"}], "checklist.0.who"),
        (["A"], "checklist.0"),
        ([{"text": "x" * 501}], "checklist.0.text"),
        ([{"text": "x"}] * 101, "checklist"),
    ],
)
def test_a_wrong_checklist_is_named(database: Database, steps: list[Any], field: str) -> None:
    with pytest.raises(BadInput) as refused, database.transaction(system("test")) as session:
        task(session, checklist=steps)
    assert refused.value.errors[0].field == field
