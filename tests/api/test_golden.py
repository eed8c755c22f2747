"""The golden cases at the API's door."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from tests.clients import Caller, World
from tests.golden import CASES, START, Case, check
from tests.services.sales import department


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_golden_case_comes_out_right(world: World, case: Case) -> None:
    with world.session() as session:
        made = department(session)
        stages = {name: stage.id for name, stage in made.stages.items()}
        reasons = {name: reason.id for name, reason in made.reasons.items()}
    with time_machine.travel(START, tick=False) as clock:
        somebody = world.caller(admin=True)
        deals = {name: _deal(somebody, values, stages) for name, values in case.deals.items()}
        for step in case.steps:
            clock.shift(step["after_s"])
            somebody = world.as_user(somebody.user_id)  # a token lasts fifteen minutes
            _do(somebody, deals.get(step.get("deal", "")), step, stages, reasons)
        shown = {name: somebody.data(f"/opportunities/{key}") for name, key in deals.items()}
        listed = {record["id"]: record for record in somebody.data("/opportunities?pageSize=200")["list"]}
        histories = {name: _history(somebody, key) for name, key in deals.items()}
    assert shown == {name: listed[key] for name, key in deals.items()}
    check(case, shown, histories)


def _deal(somebody: Caller, values: dict[str, Any], stages: dict[str, int]) -> int:
    names = {"expected_close_date": "expectedCloseDate", "probability_override": "probabilityOverride"}
    body = {names.get(name, name): value for name, value in values.items() if name != "stage"}
    if "stage" in values:
        body["stageId"] = stages[values["stage"]]
    made = somebody.post("/opportunities", {"name": "Deal", **body})
    assert made.status_code == 200, made.text
    return int(made.json()["data"]["id"])


def _do(somebody: Caller, key: Any, step: dict[str, Any], stages: dict[str, int], reasons: dict[str, int]) -> None:
    path = f"/opportunities/{key}"
    if "move" in step:
        answer = somebody.post(f"{path}/move", {"stageId": stages[step["move"]]})
    elif "win" in step:
        answer = somebody.post(f"{path}/win", {"closedAt": at} if (at := step["win"].get("closed_at")) else {})
    elif "lose" in step:
        answer = somebody.post(f"{path}/lose", {"lostReasonId": reasons[step["lose"]["reason"]]})
    elif "reopen" in step:
        answer = somebody.post(f"{path}/reopen")
    elif "edit" in step:
        answer = somebody.put(path, step["edit"])
    else:
        renamed = [{"id": stages[old], "name": new} for old, new in step["rename"].items()]
        answer = somebody.post("/stages/bulk", {"update": renamed})
    assert answer.status_code == 200, answer.text
    if "rename" not in step:
        assert answer.json()["data"] == somebody.data(path)


def _history(somebody: Caller, key: int) -> list[list[Any]]:
    rows = somebody.data(f"/opportunity-histories?opportunityId={key}&sort=id&pageSize=200")["list"]
    return [[row["change"], row["before"], row["after"], row["secondsInStage"]] for row in rows]
