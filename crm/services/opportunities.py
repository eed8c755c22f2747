"""What holds for every deal, whichever door it came through: where it begins, and what a stage asks of it.

Every change of stage goes through `enter`; the history of a deal is written at the flush (`opportunity_history`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.entity import rule
from crm.errors import Conflict, invalid
from crm.models.lost_reason import LostReason
from crm.models.opportunity import Opportunity
from crm.models.pipeline import Pipeline
from crm.models.stage import Stage, StageCategory

CLOSED = frozenset({StageCategory.WON, StageCategory.LOST})
_ANY: dict[str, Any] = {"unscoped": True}


@rule(Opportunity)
def place(session: Session, deal: Opportunity, changed: frozenset[str]) -> None:
    """A new deal begins at the first stage of the default pipeline, unless it says otherwise; whoever changes the
    stage by hand is held to what the stage asks for.
    """
    if _lacks(deal, "stage_id"):
        _begin(session, deal)
    if _is_changed(deal, "stage_id") or _is_changed(deal, "pipeline_id"):
        stage = _stage(session, deal)
        enter(session, deal, stage, keep_probability="probability_override" in changed)
    elif _is_changed(deal, "amount") or _is_changed(deal, "lost_reason_id"):
        _check(session, deal, _stage(session, deal).category)


def enter(session: Session, deal: Opportunity, stage: Stage, *, keep_probability: bool = False) -> None:
    """Put `deal` into `stage`, now.  Closing sets `closed_at`, opening again clears it, and the loss with it.

    The probability goes back to the stage's default unless `keep_probability`.  Conflict for a closed deal that is to
    be closed again; BadInput for a won one without amount, a lost one without reason.
    """
    before = stage_before(session, deal)
    if before is not None and before.category in CLOSED and stage.category in CLOSED and before is not stage:
        raise Conflict("A closed deal must be opened again before it is closed another way")
    _check(session, deal, stage.category)
    moment = now()
    deal.stage_id, deal.pipeline_id = stage.id, stage.pipeline_id
    if before is not None:
        session.expire(deal, ["stage", "pipeline"])  # the relations follow their keys
    deal.stage_entered_at = deal.last_activity_at = moment
    deal.closed_at = moment if stage.category in CLOSED else None
    if before is None:
        return
    if not keep_probability:
        deal.probability_override = None
    if before.category is StageCategory.LOST:
        deal.lost_reason_id, deal.lost_notes = None, ""


def stage_before(session: Session, deal: Opportunity) -> Stage | None:
    """The stage that the database has for `deal`; None for a new deal."""
    state = inspect(deal)
    if not state.persistent:
        return None
    replaced = state.attrs.stage_id.history.deleted
    return session.get(Stage, replaced[0] if replaced else deal.stage_id, execution_options=_ANY)


def default_pipeline(session: Session) -> Pipeline | None:
    """The pipeline marked as default, else the oldest."""
    return session.scalar(select(Pipeline).order_by(Pipeline.is_default.desc(), Pipeline.id).limit(1))


def first_stage(session: Session, pipeline_id: int) -> Stage | None:
    """The first open stage of a pipeline."""
    open_stages = select(Stage).where(Stage.pipeline_id == pipeline_id, Stage.category == StageCategory.OPEN)
    return session.scalar(open_stages.order_by(Stage.position, Stage.id).limit(1))


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


def _check(session: Session, deal: Opportunity, category: StageCategory) -> None:
    """Won needs an amount; lost needs a reason, and some reasons a note."""
    if category is StageCategory.WON and deal.amount is None:
        raise invalid("amount", "is needed for a won deal")
    if category is StageCategory.LOST:
        reason = session.get(LostReason, deal.lost_reason_id, execution_options=_ANY) if deal.lost_reason_id else None
        if reason is None:
            raise invalid("lostReasonId", "is needed for a lost deal")
        if reason.requires_note and not (deal.lost_notes or "").strip():
            raise invalid("lostNotes", "is needed with this reason")


def _is_changed(deal: Opportunity, name: str) -> bool:
    return bool(inspect(deal).attrs[name].history.has_changes())


def _lacks(deal: Opportunity, name: str) -> bool:
    """A new deal may have no stage and no pipeline yet, whatever its type says."""
    return getattr(deal, name) is None
