"""Every change of stage: what the stage asks of a deal, and what entering it does to the deal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm.columns import now
from crm.errors import BadInput, Conflict, FieldError, field_error, invalid
from crm.expressions import seconds
from crm.fields import fields_of
from crm.models.lost_reason import LostReason
from crm.models.opportunity import Opportunity
from crm.models.opportunity_history import OpportunityHistory
from crm.models.pipeline import Pipeline
from crm.models.stage import Stage, StageCategory

CLOSED = frozenset({StageCategory.WON, StageCategory.LOST})
_ANY: dict[str, Any] = {"unscoped": True, "trash": "any"}


def enter(
    session: Session, deal: Opportunity, stage: Stage, *, keep_probability: bool = False, at: datetime | None = None
) -> None:
    """Put `deal` into `stage`, now or `at`.  Closing sets `closed_at`; opening again clears it, and the loss with it.

    The probability goes back to the stage's default unless `keep_probability`.  Conflict for a closed deal that is to
    be closed again; BadInput names all that the stage asks for and the deal lacks.
    """
    before, moment = stage_before(session, deal), at or now()
    if before is not None and before.category in CLOSED and stage.category in CLOSED and before is not stage:
        raise Conflict("A closed deal must be opened again before it is closed another way")
    check(session, deal, stage)
    _hold(session, stage)
    if before is not None:
        deal.seconds_before_hold = _seconds_kept(session, deal, before, stage, moment)
    deal.stage_id, deal.pipeline_id = stage.id, stage.pipeline_id
    if before is not None:
        session.expire(deal, ["stage", "pipeline"])  # the relations follow their keys
    deal.stage_entered_at, deal.last_activity_at = moment, max(moment, deal.last_activity_at or moment)
    deal.closed_at = moment if stage.category in CLOSED else None
    if before is None:
        deal.created_at = deal.created_at or moment  # a deal that is made closed is not closed before it is made
        return
    if not keep_probability:
        deal.probability_override = None
    if before.category is StageCategory.LOST:
        deal.lost_reason_id, deal.lost_notes = None, ""


def _hold(session: Session, stage: Stage) -> None:
    """Until this transaction ends nobody deletes the stage or its pipeline, or makes it mean something else; BadInput
    if somebody has.
    """
    held = select(Stage.category, Stage.deleted_at, Pipeline.deleted_at).join(
        Pipeline, Pipeline.id == Stage.pipeline_id
    )
    held = held.where(Stage.id == stage.id).with_for_update(read=True)
    category, *gone = session.execute(held, execution_options=_ANY).one()
    if category is not stage.category or any(gone):
        raise invalid("stageId", "Stage not found")


def stage_before(session: Session, deal: Opportunity) -> Stage | None:
    """The stage that the database has for `deal`; None for a new deal."""
    state = inspect(deal)
    if not state.persistent:
        return None
    replaced = state.attrs.stage_id.history.deleted
    return session.get(Stage, replaced[0] if replaced else deal.stage_id, execution_options=_ANY)


def check(session: Session, deal: Opportunity, stage: Stage) -> None:
    """Raise BadInput that names everything the deal lacks to stand in `stage`."""
    missing = _asked_by_stage(deal, stage)
    if stage.category is StageCategory.WON and deal.amount is None:
        missing["amount"] = field_error("amount", "is needed for a won deal")
    if stage.category is StageCategory.LOST:
        missing |= _loss(session, deal)
    if len(missing) == 1:
        [only] = missing.values()
        raise invalid(only.field, only.template, **dict(only.params))
    if missing:
        names = ", ".join(missing)
        raise BadInput(
            "The stage %(stage)s asks for: %(fields)s", errors=tuple(missing.values()), stage=stage.name, fields=names
        )


def check_loss(session: Session, deal: Opportunity) -> None:
    """A lost deal keeps a reason, and its note where the reason asks for one; raises BadInput."""
    for problem in _loss(session, deal).values():
        raise invalid(problem.field, problem.template, **dict(problem.params))


def _asked_by_stage(deal: Opportunity, stage: Stage) -> dict[str, FieldError]:
    """JSON name → what is wrong, of the stage's required fields that are empty."""
    named = {field.json: field.name for field in fields_of(Opportunity).values()}
    wanted = [name for name in stage.required_fields or () if name in named]
    empty = [name for name in wanted if getattr(deal, named[name]) in (None, "", [])]
    return {name: field_error(name, "is needed in the stage %(stage)s", stage=stage.name) for name in empty}


def _loss(session: Session, deal: Opportunity) -> dict[str, FieldError]:
    reason = session.get(LostReason, deal.lost_reason_id, execution_options=_ANY) if deal.lost_reason_id else None
    if reason is None:
        return {"lostReasonId": field_error("lostReasonId", "is needed for a lost deal")}
    is_chosen = not inspect(deal).persistent or inspect(deal).attrs.lost_reason_id.history.has_changes()
    if is_chosen and not (reason.active and reason.deleted_at is None):
        return {"lostReasonId": field_error("lostReasonId", "is a reason that is no longer used")}
    if reason.requires_note and not (deal.lost_notes or "").strip():
        return {"lostNotes": field_error("lostNotes", "is needed with this reason")}
    return {}


def _seconds_kept(session: Session, deal: Opportunity, before: Stage, stage: Stage, moment: datetime) -> int:
    """A hold stops the clock of the stage: whoever comes back from it has been there for as long as before."""
    if stage.category is StageCategory.ON_HOLD:
        if before.category is StageCategory.ON_HOLD:
            return deal.seconds_before_hold
        return deal.seconds_before_hold + max(0, seconds(deal.stage_entered_at, moment))
    if before.category is not StageCategory.ON_HOLD:
        return 0
    return deal.seconds_before_hold if _held_from(session, deal) == stage.id else 0


def _held_from(session: Session, deal: Opportunity) -> int | None:
    """The number of the open stage it was in last."""
    return last_stage(session, deal, StageCategory.OPEN)


def last_stage(session: Session, deal: Opportunity, category: StageCategory, *, usable: bool = False) -> int | None:
    """The number of the stage of that category it entered last; `usable`: which is still one of its pipeline."""
    entered = select(OpportunityHistory.to_stage_id).join(Stage, Stage.id == OpportunityHistory.to_stage_id)
    entered = entered.where(OpportunityHistory.opportunity_id == deal.id, Stage.category == category)
    if usable:
        entered = entered.where(Stage.deleted_at.is_(None), Stage.pipeline_id == deal.pipeline_id)
    with session.no_autoflush:
        return session.scalar(entered.order_by(OpportunityHistory.id.desc()).limit(1), execution_options=_ANY)
