"""What holds for every deal, whichever door it came through: where it begins, and what a stage asks of it.

Every change of stage goes through `stage_entry.enter`; the history of a deal is written at the flush
(`opportunity_history`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm import access
from crm.db import actor_of
from crm.entity import permission, rule
from crm.errors import invalid
from crm.models.opportunity import Opportunity
from crm.models.pipeline import Pipeline
from crm.models.stage import Stage, StageCategory
from crm.services import opportunity_amounts, stage_entry

#: category → the verb that closes a deal so
_CLOSES = {StageCategory.WON: "win", StageCategory.LOST: "lose"}
_ANY: dict[str, Any] = {"unscoped": True, "trash": "any"}


@rule(Opportunity)
def place(session: Session, deal: Opportunity, changed: frozenset[str]) -> None:
    """A new deal begins at the first stage of the default pipeline, unless it says otherwise; whoever changes the
    stage by hand is held to what the stage asks for.
    """
    opportunity_amounts.settle(session, deal, changed)
    if _lacks(deal, "stage_id"):
        _begin(session, deal)
    if _is_changed(deal, "stage_id") or _is_changed(deal, "pipeline_id"):
        stage = _stage(session, deal)
        _require_verb(session, deal, stage)
        stage_entry.enter(session, deal, stage, keep_probability="probability_override" in changed)
    elif any(_is_changed(deal, name) for name in ("amount", "lost_reason_id", "lost_notes")):
        _keep_closed(session, deal)


def default_pipeline(session: Session) -> Pipeline | None:
    """The pipeline marked as default, else the oldest."""
    return session.scalar(select(Pipeline).order_by(Pipeline.is_default.desc(), Pipeline.id).limit(1))


def first_stage(session: Session, pipeline_id: int, category: StageCategory = StageCategory.OPEN) -> Stage | None:
    """The first stage of a pipeline, of the open ones unless `category` says otherwise."""
    wanted = select(Stage).where(Stage.pipeline_id == pipeline_id, Stage.category == category)
    with session.no_autoflush:
        return session.scalar(wanted.order_by(Stage.position, Stage.id).limit(1))


def _begin(session: Session, deal: Opportunity) -> None:
    if _lacks(deal, "pipeline_id"):
        pipeline = default_pipeline(session)
        if pipeline is None:
            raise invalid("pipelineId", "is required, as there is no pipeline yet")
        deal.pipeline_id = pipeline.id
    stage = first_stage(session, deal.pipeline_id)
    if stage is None:
        raise invalid("stageId", "is required, as the pipeline has no open stage yet")
    deal.stage_id = stage.id


def _stage(session: Session, deal: Opportunity) -> Stage:
    """The deal's stage; BadInput if it is one of another pipeline."""
    stage = session.get(Stage, deal.stage_id, execution_options=_ANY)
    if stage is None:
        raise invalid("stageId", "Stage not found")
    if _lacks(deal, "pipeline_id"):
        deal.pipeline_id = stage.pipeline_id
    if stage.pipeline_id != deal.pipeline_id:
        raise invalid("stageId", "must be a stage of the deal's pipeline")
    return stage


def _require_verb(session: Session, deal: Opportunity, stage: Stage) -> None:
    """Whoever changes the stage by hand needs the right to the verb that would have done it; Forbidden without it.

    Of a new deal only the closing is asked: it may begin in any open stage, and would be its maker's before it closes.
    """
    before = stage_entry.stage_before(session, deal)
    verb = _CLOSES.get(stage.category)
    if before is None:
        access.require(actor_of(session), permission(Opportunity, verb) if verb else None)
        return
    access.require_for(session, deal, verb or ("reopen" if before.category in stage_entry.CLOSED else "move"))


def _keep_closed(session: Session, deal: Opportunity) -> None:
    """What closed a deal is not taken away afterwards."""
    category = _stage(session, deal).category
    if category is StageCategory.WON and deal.amount is None:
        raise invalid("amount", "is needed for a won deal")
    if category is StageCategory.LOST:
        stage_entry.check_loss(session, deal)


def _is_changed(deal: Opportunity, name: str) -> bool:
    return bool(inspect(deal).attrs[name].history.has_changes())


def _lacks(deal: Opportunity, name: str) -> bool:
    """A new deal may have no stage and no pipeline yet, whatever its type says."""
    return getattr(deal, name) is None
