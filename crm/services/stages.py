"""What holds for every stage: the fields it may ask for, and what deals that stand in it keep from changing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, inspect, or_, select
from sqlalchemy.orm import Session

from crm.entity import rule
from crm.errors import Conflict, invalid
from crm.fields import writable
from crm.models.opportunity import Opportunity
from crm.models.opportunity_history import OpportunityHistory
from crm.models.pipeline import Pipeline
from crm.models.stage import Stage, StageCategory
from crm.services import records

_ANY: dict[str, Any] = {"unscoped": True, "trash": "any"}
_UNASKED = frozenset({"pipeline_id", "stage_id"})
#: ten years
LONGEST_STAY_DAYS = 3660
#: categories of one kind may be exchanged under the deals that stand in a stage
_KIND = {StageCategory.OPEN: "running", StageCategory.ON_HOLD: "running"}


@rule(Stage)
def check(session: Session, stage: Stage, changed: frozenset[str]) -> None:
    """Only fields of a deal can be asked for; what a stage means, and its pipeline, stay once deals have been in it."""
    if "required_fields" in changed:
        stage.required_fields = _names(stage.required_fields or ())
    if stage.expected_days is not None and not 1 <= stage.expected_days <= LONGEST_STAY_DAYS:
        raise invalid("expectedDays", "must be a whole number from 1 to %(most)s", most=LONGEST_STAY_DAYS)
    if records.is_new(stage):
        return
    kind_before = _before(stage, "category")
    if kind_before is not None:
        hold(session, Stage, stage.id)
    if kind_before is not None and _kind(kind_before) != _kind(stage.category):
        count = _deals_ever(session, stage)
        if count:
            raise Conflict("What the stage means cannot change; deals that are or were in it: %(count)s", count=count)
    if _before(stage, "pipeline_id") is not None and (count := _deals_ever(session, stage)):
        raise Conflict("The stage stays in its pipeline; deals that are or were in it: %(count)s", count=count)
    if _leaves_open(stage):
        _keep_one_open(session, stage, _before(stage, "pipeline_id") or stage.pipeline_id)


@records.guard_delete(Stage)
def keep_used(session: Session, stage: Stage) -> None:
    """A stage with deals stays, and so does the last open one of a pipeline that is used."""
    hold(session, Stage, stage.id)
    count = deals_in(session, Opportunity.stage_id == stage.id)
    if count:
        raise Conflict("Deals in this stage, those in the trash included: %(count)s. Move them first", count=count)
    if stage.category is StageCategory.OPEN:
        _keep_one_open(session, stage, stage.pipeline_id)


def hold(session: Session, model: type[Any], key: int) -> None:
    """Nobody brings a deal into it while its deals are counted: see `stage_entry`."""
    held = select(model.id).where(model.id == key).with_for_update(key_share=True)
    session.execute(held, execution_options=_ANY)


def deals_in(session: Session, where: Any) -> int:
    """How many deals there are, whoever's they are, in the trash or not."""
    return session.scalar(select(func.count(Opportunity.id)).where(where), execution_options=_ANY) or 0


def _names(sent: Iterable[Any]) -> list[str]:
    """Fields of a deal by their JSON names; either spelling is understood."""
    known = {alias: f.json for f in writable(Opportunity) if f.name not in _UNASKED for alias in (f.json, f.name)}
    wanted = [str(name) for name in sent]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise invalid("requiredFields", "%(name)s is not a field of a deal that can be asked for", name=unknown[0][:80])
    return list(dict.fromkeys(known[name] for name in wanted))


def _kind(category: StageCategory) -> str:
    return _KIND.get(category, category.value)


def _before(stage: Stage, name: str) -> Any:
    """What is stored, if it differs from what is about to be."""
    replaced = inspect(stage).attrs[name].history.deleted
    return replaced[0] if replaced else None


def _deals_ever(session: Session, stage: Stage) -> int:
    """Deals that stand there, or have passed through: the figures of the past go by what the stage means."""
    passed = select(OpportunityHistory.opportunity_id).where(
        or_(OpportunityHistory.to_stage_id == stage.id, OpportunityHistory.from_stage_id == stage.id)
    )
    return deals_in(session, or_(Opportunity.stage_id == stage.id, Opportunity.id.in_(passed)))


def _leaves_open(stage: Stage) -> bool:
    was = _before(stage, "category") or stage.category
    return was is StageCategory.OPEN and (
        stage.category is not StageCategory.OPEN or _before(stage, "pipeline_id") is not None
    )


def _keep_one_open(session: Session, stage: Stage, pipeline_id: int) -> None:
    """Conflict if this is the last open stage of a pipeline that has other stages or deals, or is the default one."""
    session.get(Pipeline, pipeline_id, execution_options=_ANY, with_for_update={"key_share": True})
    others = select(Stage.category).where(Stage.pipeline_id == pipeline_id, Stage.id != stage.id)
    live = session.scalars(others.where(Stage.deleted_at.is_(None)), execution_options=_ANY).all()
    if StageCategory.OPEN in live:
        return
    pipeline = session.get_one(Pipeline, pipeline_id, execution_options=_ANY)
    if live or pipeline.is_default or deals_in(session, Opportunity.pipeline_id == pipeline_id):
        raise Conflict("A pipeline keeps at least one open stage")
