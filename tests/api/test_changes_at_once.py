"""Two people at one deal, one list or one tree at the same moment: no lost update, no error of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from crm import access
from crm.models import Customer
from tests.clients import Caller, World
from tests.services.sales import department

#: what a client may be told; never 500, and not 503 for a lock that somebody else has
SAID = {200, 400, 409, 412}


def at_once(calls: Iterable[Callable[[], Any]]) -> list[int]:
    """The statuses of calls made at the same moment."""
    todo = list(calls)
    with ThreadPoolExecutor(len(todo)) as pool:
        answers = [pool.submit(call) for call in todo]
        return [int(answer.result().status_code) for answer in answers]


@pytest.fixture
def stages(world: World) -> dict[str, int]:
    """Numbers by name, and that of the reason `Price`."""
    with world.session() as session:
        made = department(session)
        return {name: stage.id for name, stage in made.stages.items()} | {"Price": made.reasons["Price"].id}


def _made(admin: Caller, path: str, **body: Any) -> int:
    answer = admin.post(path, body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["data"]["id"])


def test_of_those_who_win_lose_and_write_the_stage_one_closes_the_deal(admin: Caller, stages: dict[str, int]) -> None:
    for _ in range(3):
        path = f"/opportunities/{_made(admin, '/opportunities', name='Deal', amount='5')}"
        lost = {"lostReasonId": stages["Price"]}
        answers = at_once(
            [
                partial(admin.post, f"{path}/win"),
                partial(admin.post, f"{path}/lose", lost),
                partial(admin.post, f"{path}/win", {"amount": "7"}),
                partial(admin.put, path, lost | {"stageId": stages["Lost"]}),
            ]
        )
        assert set(answers) == {200, 409}
        assert answers[:3].count(200) <= 1  # to write the stage it is in by then changes nothing, and is no error
        closed = admin.data(f"/opportunity-histories?opportunityId={path.rpartition('/')[2]}&change=closed")
        assert closed["pagination"]["total"] == 1


def test_moves_and_a_win_at_once_leave_a_history_without_a_gap(admin: Caller, stages: dict[str, int]) -> None:
    key = _made(admin, "/opportunities", name="Deal", amount="5")
    path = f"/opportunities/{key}"
    names = ("Qualification", "Proposal", "Waiting")
    calls = [partial(admin.post, f"{path}/move", {"stageId": stages[name]}) for name in names]
    assert set(at_once([*calls, partial(admin.post, f"{path}/win")])) <= {200, 409}
    told = admin.data(f"/opportunity-histories?opportunityId={key}&sort=id")["list"]
    assert [row["fromStageId"] for row in told[1:]] == [row["toStageId"] for row in told[:-1]]
    assert told[-1]["toStageId"] == admin.data(path)["stageId"] == stages["Won"]


def test_lines_added_changed_and_deleted_at_once_come_to_the_amount(admin: Caller, stages: dict[str, int]) -> None:
    keys = [_made(admin, "/opportunities", name=f"Deal {n}") for n in range(2)]
    lines = [_made(admin, "/opportunity-lines", opportunityId=keys[0], name="Work", unitPrice="10") for _ in range(4)]
    new = {"opportunityId": keys[0], "name": "More", "unitPrice": "3.50"}
    calls: list[Callable[[], Any]] = [
        lambda: admin.put(f"/opportunity-lines/{lines[0]}", {"quantity": 3}),
        lambda: admin.delete(f"/opportunity-lines/{lines[1]}"),
        lambda: admin.put(f"/opportunity-lines/{lines[2]}", {"opportunityId": keys[1]}),
        lambda: admin.post("/opportunity-lines", new),
        lambda: admin.post("/opportunity-lines", new),
    ]
    assert at_once(calls) == [200] * 5
    assert [admin.data(f"/opportunities/{key}")["amount"] for key in keys] == ["47.00", "10.00"]


def test_many_lines_of_two_deals_in_opposite_order_are_all_counted(admin: Caller, stages: dict[str, int]) -> None:
    keys = [_made(admin, "/opportunities", name=f"Deal {n}") for n in range(2)]

    def add(order: list[int]) -> Any:
        rows = [{"opportunityId": key, "name": "Work", "unitPrice": "1"} for key in order * 5]
        return admin.post("/opportunity-lines/bulk", {"create": rows})

    assert at_once([lambda: add(keys), lambda: add(keys[::-1])]) == [200, 200]
    assert [admin.data(f"/opportunities/{key}")["amount"] for key in keys] == ["10.00", "10.00"]


def test_many_customers_changed_in_opposite_order_wait_for_each_other(admin: Caller) -> None:
    keys = [_made(admin, "/customers", name=f"Customer {n}") for n in range(30)]
    above = _made(admin, "/customers", name="Group")

    def change(order: list[int], size: int) -> Any:
        rows = [{"id": key, "size": size, "parentId": above} for key in order]
        return admin.post("/customers/bulk", {"update": rows})

    assert at_once([lambda: change(keys, 1), lambda: change(keys[::-1], 2)]) == [200, 200]
    shown = admin.data("/customers?pageSize=200&search=Customer")["list"]
    assert len({row["size"] for row in shown}) == 1
    assert {row["version"] for row in shown} == {3}


def test_of_those_who_complete_a_recurring_task_one_makes_the_next(admin: Caller) -> None:
    due = {"dueDate": "2026-10-05", "recurrence": {"rrule": "FREQ=WEEKLY", "mode": "after_due"}}
    key = _made(admin, "/tasks", title="Call", assigneeId=admin.user_id, **due)
    path = f"/tasks/{key}"
    calls: list[Callable[[], Any]] = [lambda: admin.post(f"{path}/complete")] * 3
    answers = at_once([*calls, lambda: admin.put(path, {"status": "completed"})])
    assert answers.count(409) >= 2
    assert set(answers) == {200, 409}  # who writes what is so already changes nothing
    series = admin.data(path)["seriesId"]
    assert admin.data(f"/tasks?seriesId={series}")["pagination"]["total"] == 2


def test_tasks_made_parts_of_each_other_at_once_make_no_circle(admin: Caller) -> None:
    a, b, c = (_made(admin, "/tasks", title=f"Task {n}") for n in range(3))
    ring = [(a, b), (b, c), (c, a)]
    answers = at_once([partial(admin.put, f"/tasks/{key}", {"parentId": above}) for key, above in ring])
    assert sorted(answers) == [200, 200, 400]
    above = {key: admin.data(f"/tasks/{key}")["parentId"] for key in (a, b, c)}
    assert sum(parent is None for parent in above.values()) == 1


def test_a_whole_and_its_part_closed_and_opened_at_once_agree(admin: Caller) -> None:
    """No open part is left below a closed task, whoever was first."""
    whole = _made(admin, "/tasks", title="Whole")
    part = _made(admin, "/tasks", title="Part", parentId=whole)
    admin.post(f"/tasks/{part}/complete")
    answers = at_once([lambda: admin.post(f"/tasks/{part}/reopen"), lambda: admin.post(f"/tasks/{whole}/complete")])
    assert set(answers) <= SAID
    states = [admin.data(f"/tasks/{key}")["status"] for key in (whole, part)]
    assert states != ["completed", "in_progress"]


@pytest.mark.parametrize("backend", ["postgresql"])
def test_who_waits_too_long_for_another_is_told_so(world: World, admin: Caller, backend: str) -> None:
    key = _made(admin, "/customers", name="Acme")
    with world.session() as session:
        access.find(session, Customer, key, lock=True)
        answer = admin.put(f"/customers/{key}", {"size": 5})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["message"] == "Somebody else is changing the same records; try again in a moment"
    assert admin.put(f"/customers/{key}", {"size": 5}).status_code == 200
