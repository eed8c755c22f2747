"""Somebody takes a stage away while somebody else brings a deal into it: one of the two reads why not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from crm import access
from crm.actor import system
from crm.db import Database
from crm.errors import CrmError
from crm.models import Opportunity, Pipeline, Stage
from crm.models.stage import StageCategory
from crm.services import opportunity_moves, records
from tests.services.sales import department
from tests.waiting import until

TEST = system("test")
Act = Callable[[Session], Any]


@pytest.fixture
def numbers(database: Database) -> dict[str, int]:
    """A deal, the stage it may move to, another pipeline and its stage."""
    with database.transaction(TEST) as session:
        made = department(session)
        other = made.other.pipeline_id
        return {"deal": made.deal().id, "stage": made.stages["Proposal"].id, "pipeline": other, "there": made.other.id}


def _one_after_the_other(database: Database, first: Act, second: Act) -> list[str]:
    """What comes of two acts: the second begins when the first is done, and before it is committed."""
    done, over = threading.Event(), threading.Event()

    def lead() -> str:
        try:
            with database.transaction(TEST) as session:
                first(session)
                done.set()
                if not database.is_sqlite:  # there the second cannot even begin
                    until(lambda: over.is_set() or _waits(session))
            return "done"
        finally:
            done.set()

    def follow() -> str:
        done.wait()
        try:
            with database.transaction(TEST) as session:
                second(session)
        except CrmError as error:
            return str(error)
        finally:
            over.set()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        return [one.result() for one in [pool.submit(lead), pool.submit(follow)]]


def _waits(session: Session) -> bool:
    """Does another session wait for this one?"""
    asked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    return bool(session.connection().scalar(text(asked)))


def _acts(numbers: dict[str, int]) -> dict[str, Act]:
    def find(session: Session, model: type[Any], name: str) -> Any:
        return access.find(session, model, numbers[name])

    elsewhere = {"pipeline_id": numbers["pipeline"], "stage_id": numbers["there"]}
    return {
        "move": lambda s: opportunity_moves.move(s, find(s, Opportunity, "deal"), stage_id=numbers["stage"]),
        "delete": lambda s: records.delete(s, find(s, Stage, "stage")),
        "mean": lambda s: records.update(s, find(s, Stage, "stage"), {"category": StageCategory.WON}),
        "make there": lambda s: records.create(s, Opportunity, {"name": "New", **elsewhere}),
        "delete pipeline": lambda s: records.delete(s, find(s, Pipeline, "pipeline")),
    }


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ("delete", "move", "stageId: Stage not found"),
        ("move", "delete", "Deals in this stage, those in the trash included: 1. Move them first"),
        ("move", "mean", "What the stage means cannot change; deals that are or were in it: 1"),
        ("make there", "delete pipeline", "Deals in this pipeline, those in the trash included: 1. Move them first"),
    ],
)
def test_who_comes_second_is_refused(
    database: Database, numbers: dict[str, int], first: str, second: str, sentence: str
) -> None:
    acts = _acts(numbers)
    assert _one_after_the_other(database, acts[first], acts[second]) == ["done", sentence]


@pytest.mark.parametrize(("first", "second"), [("mean", "move"), ("delete pipeline", "make there")])
def test_a_deal_does_not_get_where_it_would_be_wrong(
    database: Database, numbers: dict[str, int], first: str, second: str
) -> None:
    acts = _acts(numbers)
    outcome = _one_after_the_other(database, acts[first], acts[second])
    assert outcome[0] == "done"
    assert outcome[1].startswith(("stageId: ", "pipelineId: "))
