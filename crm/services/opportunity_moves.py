"""What is done with a deal: move it, win it, lose it, open it again.

The doors lock the deal first, so that of two people who close it at once one wins and the other reads why not.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints
from sqlalchemy.orm import Session

from crm import access
from crm.columns import now
from crm.entity import operation
from crm.errors import Conflict, NotFound, invalid
from crm.models.opportunity import Opportunity
from crm.models.opportunity_figures import RUNNING
from crm.models.stage import ForecastCategory, Stage, StageCategory
from crm.schemas import LARGEST_KEY, Storable
from crm.services import opportunity_amounts, records
from crm.services.opportunities import first_stage
from crm.services.stage_entry import CLOSED, enter, last_stage

Key = Annotated[int, Field(ge=1, le=LARGEST_KEY)]
Share = Annotated[Decimal, Field(ge=0, le=1, max_digits=5, decimal_places=4)]
Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=2)]
Notes = Annotated[str, StringConstraints(max_length=2000), Storable]


def is_running(deal: Opportunity) -> bool:
    """Open or on hold."""
    return deal.stage_now.category in RUNNING


def is_closed(deal: Opportunity) -> bool:
    return deal.stage_now.category in CLOSED


@operation(Opportunity, icon="arrow-right", when=is_running)
def move(
    session: Session,
    deal: Opportunity,
    *,
    stage_id: Key,
    probability_override: Share | None = None,
    forecast_category_override: ForecastCategory | None = None,
    from_stage_id: Key | None = None,
) -> None:
    """Move it to another open stage, forward or back.

    `from_stage_id` is the stage the mover saw it in: Conflict if somebody has moved it since.
    """
    if not is_running(deal):
        raise Conflict("A closed deal must be opened again before it is moved")
    stage = _stage(session, deal, stage_id)
    if stage.category in CLOSED:
        raise invalid("stageId", "is a stage of closed deals; win or lose the deal instead")
    if from_stage_id is not None and from_stage_id != deal.stage_id:
        raise Conflict("Somebody else has moved the deal to %(stage)s meanwhile", stage=deal.stage_now.name)
    if stage.id == deal.stage_id:
        raise Conflict("The deal is in this stage already")
    with session.no_autoflush:
        _set_overrides(deal, probability_override, forecast_category_override)
        enter(session, deal, stage, keep_probability=probability_override is not None)
    records.flush(session, Opportunity)


@operation(Opportunity, icon="trophy", tone="good", when=is_running)
def win(
    session: Session, deal: Opportunity, *, amount: Amount | None = None, closed_at: AwareDatetime | None = None
) -> None:
    """Close it as won, for its amount, now or at the moment that is given."""
    _must_run(deal)
    stage = _closing_stage(session, deal, StageCategory.WON)
    with session.no_autoflush:
        if amount is not None:
            opportunity_amounts.set_by_hand(deal, amount)
        enter(session, deal, stage, at=_moment(deal, closed_at))
    records.flush(session, Opportunity)


@operation(Opportunity, icon="thumb-down", tone="danger", when=is_running)
def lose(session: Session, deal: Opportunity, *, lost_reason_id: Key, lost_notes: Notes = "") -> None:
    """Close it as lost, with the reason."""
    _must_run(deal)
    stage = _closing_stage(session, deal, StageCategory.LOST)
    with session.no_autoflush:
        deal.lost_reason_id, deal.lost_notes = lost_reason_id, lost_notes
        enter(session, deal, stage)
        session.expire(deal, ["lost_reason"])
    records.flush(session, Opportunity)


@operation(Opportunity, icon="rotate-clockwise", when=is_closed)
def reopen(session: Session, deal: Opportunity, *, stage_id: Key | None = None) -> None:
    """Open it again, in the open stage it was in last unless another one is given."""
    if not is_closed(deal):
        raise Conflict("The deal is open")
    stage = _stage(session, deal, stage_id) if stage_id is not None else _last_open_stage(session, deal)
    if stage.category in CLOSED:
        raise invalid("stageId", "must be an open stage")
    with session.no_autoflush:
        enter(session, deal, stage)
    records.flush(session, Opportunity)


# ---------------------------------------------------------------------------------------------- inside


def _must_run(deal: Opportunity) -> None:
    if is_running(deal):
        return
    if deal.stage_now.category is StageCategory.WON:
        raise Conflict("The deal has been won already")
    raise Conflict("The deal has been lost; open it again first")


def _stage(session: Session, deal: Opportunity, key: int) -> Stage:
    """A live stage of the deal's own pipeline."""
    try:
        stage: Stage = access.find(session, Stage, key)
    except NotFound:
        raise invalid("stageId", "Stage not found") from None
    if stage.pipeline_id != deal.pipeline_id:
        raise invalid("stageId", "must be a stage of the deal's pipeline")
    return stage


def _closing_stage(session: Session, deal: Opportunity, category: StageCategory) -> Stage:
    stage = first_stage(session, deal.pipeline_id, category)
    if stage is None:
        raise Conflict("The deal's pipeline has no stage for this: %(category)s", category=category.value)
    return stage


def _last_open_stage(session: Session, deal: Opportunity) -> Stage:
    known = last_stage(session, deal, StageCategory.OPEN, usable=True)
    stage: Any = session.get(Stage, known) if known is not None else first_stage(session, deal.pipeline_id)
    if stage is None:
        raise invalid("stageId", "is required, as the pipeline has no open stage yet")
    found: Stage = stage
    return found


def _moment(deal: Opportunity, closed_at: datetime | None) -> datetime | None:
    """A deal is not closed before it came to where it is, nor in the future: the history stays in order."""
    if closed_at is None:
        return None
    if closed_at > now():
        raise invalid("closedAt", "must not lie in the future")
    if closed_at < deal.stage_entered_at:
        raise invalid("closedAt", "must not be before the deal came into its stage")
    return closed_at.astimezone(UTC)


def _set_overrides(deal: Opportunity, probability: Decimal | None, forecast: ForecastCategory | None) -> None:
    if probability is not None:
        deal.probability_override = probability
    if forecast is not None:
        deal.forecast_category_override = forecast
