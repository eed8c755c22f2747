"""No back door at the API: who may only update deals neither closes one nor opens it again."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import Scope
from tests.clients import Caller, World
from tests.services.sales import department

_NAMES = ("view_opportunities", "create_opportunity", "update_opportunity")
EDITOR: dict[str, Any] = dict.fromkeys(_NAMES, Scope.ALL)


@pytest.fixture
def stages(world: World) -> dict[str, int]:
    """Numbers by name, and that of the reason `Price`."""
    with world.session() as session:
        made = department(session)
        return {name: stage.id for name, stage in made.stages.items()} | {"Price": made.reasons["Price"].id}


def _also(verb: str) -> dict[str, Any]:
    return {f"{verb}_opportunity": Scope.ALL}


@pytest.mark.parametrize(
    ("verb", "state", "target"),
    [("win", "", "Won"), ("lose", "", "Lost"), ("reopen", "Won", "Proposal"), ("move", "", "Proposal")],
)
def test_put_patch_and_bulk_ask_for_the_verbs_right(
    world: World, admin: Caller, stages: dict[str, int], verb: str, state: str, target: str
) -> None:
    deal = admin.post(
        "/opportunities", {"name": "Deal", "amount": "5", **({"stageId": stages[state]} if state else {})}
    )
    key = deal.json()["data"]["id"]
    body: dict[str, Any] = {"stageId": stages[target]} | ({"lostReasonId": stages["Price"]} if verb == "lose" else {})
    editor = world.caller(**EDITOR)
    for method in ("PUT", "PATCH"):
        refused = editor.call(method, f"/opportunities/{key}", json=body)
        assert (refused.status_code, refused.json()["message"]) == (403, "Forbidden")
    many = editor.post("/opportunities/bulk", {"update": [{"id": key, **body}]})
    assert (many.status_code, many.json()["errors"]) == (400, [{"field": "update[0]", "message": "Forbidden"}])
    assert admin.data(f"/opportunities/{key}") == deal.json()["data"]
    allowed = world.caller(**EDITOR, **_also(verb))
    changed = allowed.call("PATCH", f"/opportunities/{key}", json=body)
    assert (changed.status_code, changed.json()["data"]["stageId"]) == (200, stages[target]), changed.text
    told = admin.data(f"/opportunity-histories?opportunityId={key}&sort=-id")["list"][0]
    assert told["change"] == {"win": "closed", "lose": "closed", "reopen": "reopened", "move": "stage"}[verb]


def test_a_deal_is_not_made_closed(world: World, stages: dict[str, int]) -> None:
    editor = world.caller(**EDITOR)
    won = {"name": "New", "amount": "5", "stageId": stages["Won"]}
    assert editor.post("/opportunities", won).status_code == 403
    assert editor.post("/opportunities", won | {"stageId": stages["Waiting"]}).status_code == 200
    assert world.caller(**EDITOR, win_opportunity=Scope.OWN).post("/opportunities", won).status_code == 200


def test_by_hand_the_rules_are_those_of_the_verbs(admin: Caller, stages: dict[str, int]) -> None:
    key = admin.post("/opportunities", {"name": "Deal"}).json()["data"]["id"]

    def change(**body: Any) -> tuple[int, str]:
        answer = admin.call("PATCH", f"/opportunities/{key}", json=body)
        return answer.status_code, answer.json()["message"]

    assert change(stageId=stages["Won"]) == (400, "amount: is needed for a won deal")
    assert change(stageId=stages["Lost"]) == (400, "lostReasonId: is needed for a lost deal")
    assert change(stageId=stages["Won"], amount="5")[0] == 200
    assert change(amount=None) == (400, "amount: is needed for a won deal")
    lost = {"stageId": stages["Lost"], "lostReasonId": stages["Price"]}
    assert change(**lost) == (409, "A closed deal must be opened again before it is closed another way")
    assert change(stageId=stages["Proposal"])[0] == 200
    assert admin.data(f"/opportunities/{key}")["closedAt"] is None
