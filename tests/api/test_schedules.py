"""Schedules over the API: what they say of themselves, what they did, and running one at once."""

from __future__ import annotations

from typing import Any

import pytest

from crm.actor import Scope
from crm.models import Job, Schedule
from tests import factories
from tests.clients import World

GRANTS: dict[str, Any] = dict.fromkeys(
    ("view_schedules", "create_schedule", "update_schedule", "run_now_schedule", "view_users", "view_jobs"), Scope.OWN
)


def body(**values: Any) -> dict[str, Any]:
    known = {"name": "Figures", "kind": "report.mail", "payload": {"report": "open_pipeline", "recipients": []}}
    return {**known, "cron": "0 8 * * 1-5", "timezone": "Asia/Shanghai", **values}


def test_a_schedule_tells_when_it_fires_and_what_it_did(world: World) -> None:
    manager = world.caller(**GRANTS)
    number = manager.post("/schedules", body()).json()["data"]["id"]
    told = manager.data(f"/schedules/{number}/fires")
    assert (told["words"], told["timezone"], told["last"]) == ("Every weekday at 08:00", "Asia/Shanghai", [])
    assert len(told["next"]) == 5
    assert all(fire.endswith("T00:00:00Z") for fire in told["next"])
    chinese = manager.data(f"/schedules/{number}/fires", headers={"accept-language": "zh-CN"})
    assert chinese["words"] == "每个工作日 08:00"


def test_running_it_now_asks_for_one_job_more_with_its_owners_rights(world: World) -> None:
    manager = world.caller(**GRANTS)
    number = manager.post("/schedules", body()).json()["data"]["id"]
    before = manager.data(f"/schedules/{number}")
    assert [manager.post(f"/schedules/{number}/run-now").status_code for _ in range(2)] == [200, 200]
    after = manager.data(f"/schedules/{number}")
    assert (after["firesAfter"], after["lastFireAt"]) == (before["firesAfter"], before["lastFireAt"])
    last = manager.data(f"/schedules/{number}/fires")["last"]
    assert [job["status"] for job in last] == ["queued", "queued"]
    with world.session() as session:
        job = session.get_one(Job, last[0]["id"])
        assert job.principal_id == manager.user_id
        assert job.payload["fire"] == job.dedupe_key.removeprefix("schedule:")


def test_nobody_runs_another_ones_schedule(world: World) -> None:
    with world.session() as session:
        number = factories.make(Schedule, session, owner_id=factories.user(session).id).id
    stranger = world.caller(**{**GRANTS, "view_schedules": Scope.ALL, "run_now_schedule": Scope.ALL})
    assert stranger.post(f"/schedules/{number}/run-now").status_code == 403
    assert world.caller(**GRANTS).get(f"/schedules/{number}/fires").status_code == 404
    assert world.admin().post(f"/schedules/{number}/run-now").status_code == 200


def test_times_can_be_tried_out(world: World) -> None:
    told = world.admin().data("/schedules/preview?cron=30%202%20*%20*%20*&timezone=Europe/Berlin")
    assert (told["words"], len(told["next"])) == ("Every day at 02:30", 5)
    assert world.admin().data("/schedules/preview?intervalS=90")["words"] == "Every 90 seconds"


@pytest.mark.parametrize(
    "query",
    [
        *("", "cron=nonsense", "cron=0 8 * * *&intervalS=5", "intervalS=0", "intervalS=x", "every=day"),
        *("cron=0 8 * * *&timezone=Moon/Base", "intervalS=99999999999999999999", "intervalS=5&timezone=Moon/Base"),
        *("intervalS=316224001", "intervalS=" + "0" * 19 + "1" + "0" * 5000, "cron=%FF"),
    ],
)
def test_times_that_make_no_sense_are_refused(world: World, query: str) -> None:
    assert world.admin().get(f"/schedules/preview?{query}").status_code == 400


@pytest.mark.parametrize(
    ("query", "name", "sentence"),
    [
        ("intervalS=5&intervalS=6", "intervalS", "is given twice"),
        ("intervalS=5&every=day", "every", "is not a known parameter"),
        ("intervalS=0", "intervalS", "must be a whole number from 1 to 316224000"),
    ],
)
def test_what_is_wrong_with_the_times_asked_for_is_named(world: World, query: str, name: str, sentence: str) -> None:
    answer = world.admin().get(f"/schedules/preview?{query}").json()
    assert answer["errors"] == [{"field": name, "message": sentence}]


def test_only_administrators_schedule_backups(world: World) -> None:
    wanted = body(kind="backup.make", payload={"keep": 3})
    assert world.caller(**GRANTS).post("/schedules", wanted).status_code == 403
    assert world.admin().post("/schedules", wanted).status_code == 200
    for payload in ({"keep": 0}, {"keep": "7"}, {"path": "/etc"}):
        assert world.admin().post("/schedules", {**wanted, "name": "x", "payload": payload}).status_code == 400
