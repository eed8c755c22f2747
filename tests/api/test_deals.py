"""Deals at the API's door: their verbs, their lines, what is computed, and two people at once."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import time_machine

from crm.actor import Scope
from crm.models import User
from tests.clients import Caller, World
from tests.services.sales import department


@dataclass
class Desk:
    """The API with a sales department; numbers by name."""

    world: World
    stages: dict[str, int]
    reasons: dict[str, int]
    products: dict[str, int]
    other: int

    def deal(self, **body: Any) -> int:
        made = self.world.admin().post("/opportunities", {"name": "Deal", **body})
        assert made.status_code == 200, made.text
        return int(made.json()["data"]["id"])

    def line(self, deal: int, **body: Any) -> Any:
        return self.world.admin().post("/opportunity-lines", {"opportunityId": deal, **body})

    def shown(self, deal: int) -> Any:
        return self.world.admin().data(f"/opportunities/{deal}")


@pytest.fixture
def desk(world: World) -> Desk:
    with world.session() as session:
        made = department(session)
        numbers = [{n: r.id for n, r in part.items()} for part in (made.stages, made.reasons, made.products)]
        return Desk(world, numbers[0], numbers[1], numbers[2], made.other.id)


def test_a_deal_is_moved_won_and_opened_again(desk: Desk, admin: Caller) -> None:
    key = desk.deal(probabilityOverride=0.9)
    moved = admin.post(f"/opportunities/{key}/move", {"stageId": desk.stages["Proposal"]})
    assert (moved.json()["data"]["probabilityOverride"], moved.json()["data"]["probability"]) == (None, 0.5)
    refused = admin.post(f"/opportunities/{key}/win")
    assert (refused.status_code, refused.json()["message"]) == (400, "amount: is needed for a won deal")
    won = admin.post(f"/opportunities/{key}/win", {"amount": "12.50"}).json()["data"]
    assert (won["amount"], won["amountByHand"], won["weightedAmount"], won["probability"]) == (
        "12.50",
        True,
        "12.50",
        1.0,
    )
    assert won == desk.shown(key)
    again = admin.post(f"/opportunities/{key}/win")
    assert (again.status_code, again.json()["message"]) == (409, "The deal has been won already")
    opened = admin.post(f"/opportunities/{key}/reopen").json()["data"]
    assert (opened["stageId"], opened["closedAt"]) == (desk.stages["Proposal"], None)


def test_wrong_options_are_named(desk: Desk, admin: Caller) -> None:
    key = desk.deal(amount="5")
    asked = [
        ("move", {}, "stageId", "is required"),
        ("move", {"stageId": desk.other}, "stageId", "must be a stage of the deal's pipeline"),
        (
            "move",
            {"stageId": desk.stages["Proposal"], "probabilityOverride": 1.5},
            "probabilityOverride",
            "must be 1 or less",
        ),
        (
            "win",
            {"closedAt": "2026-03-31T10:00:00"},
            "closedAt",
            "must carry a time zone, such as 2026-11-30T09:00:00Z",
        ),
        ("win", {"closedAt": "2999-01-01T00:00:00Z"}, "closedAt", "must not lie in the future"),
        ("lose", {"lostReasonId": desk.reasons["Old"]}, "lostReasonId", "is a reason that is no longer used"),
        ("lose", {"lostReasonId": desk.reasons["Other"]}, "lostNotes", "is needed with this reason"),
        ("lose", {"lostReasonId": desk.reasons["Price"], "nonsense": 1}, "nonsense", "is not a known field"),
    ]
    for verb, body, field, message in asked:
        answer = admin.post(f"/opportunities/{key}/{verb}", body)
        assert (answer.status_code, answer.json()["errors"]) == (400, [{"field": field, "message": message}]), verb


def test_a_stage_names_all_that_it_asks_for(desk: Desk, admin: Caller) -> None:
    stage = desk.stages["Proposal"]
    assert admin.put(f"/stages/{stage}", {"requiredFields": ["amount", "nextStep"]}).status_code == 200
    key = desk.deal()
    sentence = "is needed in the stage Proposal"
    wanted = [{"field": "amount", "message": sentence}, {"field": "nextStep", "message": sentence}]
    for answer in (
        admin.post(f"/opportunities/{key}/move", {"stageId": stage}),
        admin.put(f"/opportunities/{key}", {"stageId": stage}),
        admin.post("/opportunities", {"name": "New", "stageId": stage}),
    ):
        assert (answer.status_code, answer.json()["errors"]) == (400, wanted)
    bulk = admin.post("/opportunities/bulk", {"update": [{"id": key, "stageId": stage}]})
    assert [error["field"] for error in bulk.json()["errors"]] == ["update[0].amount", "update[0].nextStep"]
    both = {"stageId": stage, "amount": "1", "nextStep": "Call"}
    assert admin.put(f"/opportunities/{key}", both).json()["data"]["stageId"] == stage


def test_each_verb_needs_its_own_permission(desk: Desk, world: World) -> None:
    own = Scope.OWN
    clerk = world.caller(view_opportunities=own, create_opportunity=own, win_opportunity=own)
    key = clerk.post("/opportunities", {"name": "Mine", "amount": "1"}).json()["data"]["id"]
    lost = {"lostReasonId": desk.reasons["Price"]}
    assert clerk.post(f"/opportunities/{key}/lose", lost).status_code == 403
    assert clerk.post(f"/opportunities/{desk.deal(amount='1')}/win").status_code == 404
    assert clerk.post(f"/opportunities/{key}/win").status_code == 200


def test_of_eight_who_win_at_once_one_wins(desk: Desk, admin: Caller) -> None:
    key = desk.deal(amount="5")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: admin.post(f"/opportunities/{key}/win").status_code, range(8)))
    assert sorted(answers) == [200, *[409] * 7]
    closed = admin.data(f"/opportunity-histories?opportunityId={key}&change=closed")
    assert closed["pagination"]["total"] == 1


def test_of_those_who_move_what_they_saw_at_once_one_moves(desk: Desk, admin: Caller) -> None:
    key, seen = desk.deal(), desk.stages["Prospecting"]
    targets = [desk.stages[name] for name in ("Qualification", "Proposal", "Waiting")] * 2

    def move(target: int) -> int:
        return int(admin.post(f"/opportunities/{key}/move", {"stageId": target, "fromStageId": seen}).status_code)

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(move, targets)) == [200, *[409] * 5]


def test_lines_make_the_amount_and_the_amount_says_so(desk: Desk, admin: Caller) -> None:
    key = desk.deal()
    made = desk.line(key, productId=desk.products["Licence"], quantity=2.5, discount=0.1)
    assert made.status_code == 200, made.text
    line = made.json()["data"]
    told = (line["name"], line["unitPrice"], line["quantity"], line["total"])
    assert told == ("Licence", "99.99", 2.5, "224.98")
    assert (desk.shown(key)["amount"], desk.shown(key)["amountByHand"]) == ("224.98", False)
    admin.put(f"/opportunity-lines/{line['id']}", {"quantity": 1})
    assert desk.shown(key)["amount"] == "89.99"
    admin.put(f"/opportunities/{key}", {"amount": "50"})
    desk.line(key, name="Extra", unitPrice="10")
    assert (desk.shown(key)["amount"], desk.shown(key)["amountByHand"]) == ("50.00", True)
    assert admin.post(f"/opportunities/{key}/follow_lines").status_code == 404
    assert admin.post(f"/opportunities/{key}/follow-lines").json()["data"]["amount"] == "99.99"
    assert admin.delete(f"/opportunity-lines/{line['id']}").status_code == 200
    assert desk.shown(key)["amount"] == "10.00"
    assert admin.put(f"/opportunities/{key}", {"amount": "9"}).json()["data"]["amountByHand"]
    assert admin.put(f"/opportunities/{key}", {"amount": None}).json()["data"]["amount"] == "10.00"


def test_lines_that_do_not_fit_are_refused_by_name(desk: Desk, admin: Caller) -> None:
    key = desk.deal()
    sentence = "has its price in CNY, but the deal is in USD"
    asked: list[tuple[dict[str, Any], str, str]] = [
        ({"productId": desk.products["Gateway"]}, "productId", sentence),
        ({"productId": desk.products["Retired"]}, "productId", "is no longer for sale"),
        ({"name": "x", "unitPrice": "1", "quantity": 0}, "quantity", "must be more than 0"),
        ({"name": "x", "unitPrice": "1", "discount": 1.1}, "discount", "must be 1 or less"),
        ({"name": "x"}, "unitPrice", "is required where no product is given"),
    ]
    for body, field, message in asked:
        answer = desk.line(key, **body)
        assert (answer.status_code, answer.json()["errors"]) == (400, [{"field": field, "message": message}])
    largest = {"name": "x", "unitPrice": "9999999999999999.99", "quantity": 999999999999}
    assert desk.line(key, **largest).status_code == 400
    admin.put(f"/opportunities/{key}", {"amount": "1"})
    admin.post(f"/opportunities/{key}/win")
    refused = desk.line(key, name="x", unitPrice="1")
    assert (refused.status_code, refused.json()["message"]) == (
        409,
        "The lines of a closed deal stay as they are; open the deal again first",
    )


def test_lines_added_at_once_are_all_in_the_sum(desk: Desk, admin: Caller) -> None:
    key = desk.deal()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: desk.line(key, name="x", unitPrice=str(n)).status_code, range(1, 17)))
    assert set(made) == {200}
    assert desk.shown(key)["amount"] == "136.00"


def test_overdue_goes_by_the_day_of_the_reader(desk: Desk, world: World) -> None:
    with time_machine.travel("2026-03-10T17:00:00+00:00", tick=False):  # in Shanghai it is the eleventh
        key = desk.deal(expectedCloseDate="2026-03-10")
        here, there = world.caller(admin=True), world.caller(admin=True)
        with world.session() as session:
            session.get_one(User, there.user_id).timezone = "Asia/Shanghai"
        shown = [somebody.data(f"/opportunities/{key}")["overdue"] for somebody in (here, there)]
        listed = [somebody.data("/opportunities")["list"][0]["overdue"] for somebody in (here, there)]
        written = [somebody.put(f"/opportunities/{key}", {}).json()["data"]["overdue"] for somebody in (here, there)]
    assert shown == listed == written == [False, True]


def test_what_is_computed_can_be_chosen_and_included_but_not_written(desk: Desk, admin: Caller) -> None:
    key = desk.deal(amount="-0.01", stageId=desk.stages["Proposal"])
    chosen = admin.data(f"/opportunities/{key}?fields=id,weightedAmount,overdue,stale,ageDays,probability")
    wanted = {"id": key, "probability": 0.5, "weightedAmount": "-0.01", "overdue": False, "stale": False, "ageDays": 0}
    assert chosen == wanted
    desk.line(key, name="x", unitPrice="1")
    lines = admin.data(f"/opportunity-lines?opportunityId={key}&include=opportunity")["list"]
    assert lines[0]["opportunity"]["weightedAmount"] == "-0.01"
    assert "weightedAmount" in admin.put(f"/opportunities/{key}", {"weightedAmount": "1"}).json()["message"]


def test_weighing_is_exact_for_any_amount(desk: Desk, subtests: pytest.Subtests) -> None:
    """SQL in a read, Python in a write: alike to the cent on both databases."""
    admin, amounts = desk.world.admin(), ("9999999999999999.99", "-9999999999999999.99", "0.03", "12345678901234.57")
    for amount, chance in itertools.product(amounts, (0.5, 0.0001, 0.3333, 1)):
        with subtests.test(f"{amount} {chance}"):
            made = admin.post("/opportunities", {"name": "x", "amount": amount, "probabilityOverride": chance})
            written = made.json()["data"]
            assert desk.shown(written["id"]) == written


def test_a_stage_and_a_pipeline_with_deals_are_kept(desk: Desk, admin: Caller) -> None:
    key = desk.deal(stageId=desk.other)
    pipeline = desk.shown(key)["pipelineId"]
    for path, what in ((f"/stages/{desk.other}", "stage"), (f"/pipelines/{pipeline}", "pipeline")):
        answer = admin.delete(path)
        assert answer.status_code == 409
        assert answer.json()["message"] == f"Deals in this {what}, those in the trash included: 1. Move them first"
