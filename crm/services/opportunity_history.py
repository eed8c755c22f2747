"""The history of a deal, written with every flush that changes one: append-only, the source of figures on the past.

Each entry into a stage is exactly one row with `to_stage_id`: `created`, `stage`, `closed` (won or lost) or
`reopened`.  `before` and `after` are texts: stage names as they were, `1200.00 USD`, `0.8`, `2026-11-30`, user names.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from crm.columns import now
from crm.db import CrmSession, actor_of
from crm.errors import Conflict
from crm.insertion import WATCHED
from crm.models.opportunity import Opportunity
from crm.models.opportunity_history import OpportunityChange, OpportunityHistory
from crm.models.stage import Stage
from crm.models.user import User
from crm.services.stage_entry import CLOSED

WATCHED.add(Opportunity.__tablename__)
_ANY: dict[str, Any] = {"unscoped": True}
_LENGTH = 200


@event.listens_for(CrmSession, "before_flush")
def _refuse_rewriting(session: Session, _context: Any, _instances: Any) -> None:
    """What has been written stays as it is, and goes only together with its deal, when that is deleted for good."""
    for row in session.dirty:
        if isinstance(row, OpportunityHistory) and session.is_modified(row):
            raise Conflict("The history of a deal cannot be changed")
    for row in session.deleted:
        if isinstance(row, OpportunityHistory) and row.opportunity not in session.deleted:
            raise Conflict("The history of a deal cannot be deleted")


@event.listens_for(CrmSession, "before_flush")
def _write_down(session: Session, _context: Any, _instances: Any) -> None:
    rows = [row for deal in session.new if isinstance(deal, Opportunity) for row in _created(session, deal)]
    rows += [row for deal in session.dirty if isinstance(deal, Opportunity) for row in _changed(session, deal)]
    for row in rows:
        row.changed_by = actor_of(session).user_id
    session.add_all(rows)


def _created(session: Session, deal: Opportunity) -> Iterator[OpportunityHistory]:
    stage = session.get(Stage, deal.stage_id, execution_options=_ANY) if deal.stage_id else deal.stage
    if stage is not None:
        yield _row(deal, OpportunityChange.CREATED, None, stage.name, to_stage=stage)


def _changed(session: Session, deal: Opportunity) -> Iterator[OpportunityHistory]:
    if "stage_id" in (changed := _before(deal, ("stage_id",))):
        yield _moved(session, deal, changed["stage_id"])
    worth = _before(deal, ("amount", "currency"))
    if worth:
        before = money_text(worth.get("amount", deal.amount), worth.get("currency", deal.currency))
        yield _row(deal, OpportunityChange.AMOUNT, before, money_text(deal.amount, deal.currency))
    for name, replaced in _before(deal, ("probability_override", "expected_close_date")).items():
        change = OpportunityChange.PROBABILITY if name == "probability_override" else OpportunityChange.CLOSE_DATE
        yield _row(deal, change, _text(replaced), _text(getattr(deal, name)))
    for replaced in _before(deal, ("owner_id",)).values():
        yield _row(deal, OpportunityChange.OWNER, _name(session, replaced), _name(session, deal.owner_id))


def _moved(session: Session, deal: Opportunity, replaced: int) -> OpportunityHistory:
    before = session.get_one(Stage, replaced, execution_options=_ANY)
    after = session.get_one(Stage, deal.stage_id, execution_options=_ANY)
    change = OpportunityChange.STAGE
    if after.category in CLOSED:
        change = OpportunityChange.CLOSED
    elif before.category in CLOSED:
        change = OpportunityChange.REOPENED
    row = _row(deal, change, before.name, after.name, from_stage=before, to_stage=after)
    entered = _before(deal, ("stage_entered_at",)).get("stage_entered_at", deal.stage_entered_at)
    row.created_at = deal.stage_entered_at if entered != deal.stage_entered_at else row.created_at
    row.seconds_in_stage = max(0, int((row.created_at - entered).total_seconds()))
    return row


def _row(
    deal: Opportunity, change: OpportunityChange, before: str | None, after: str | None, **stages: Stage
) -> OpportunityHistory:
    texts = {"before": before and before[:_LENGTH], "after": after and after[:_LENGTH]}
    return OpportunityHistory(opportunity=deal, change=change, created_at=now(), **texts, **stages)


def _before(deal: Opportunity, names: tuple[str, ...]) -> dict[str, Any]:
    """Those of the columns `names` that differ from what is stored, with the stored value."""
    attributes = inspect(deal).attrs
    found = {name: attributes[name].history for name in names}
    changed = {
        name: history.deleted[0] if history.deleted else None for name, history in found.items() if history.added
    }
    return {name: value for name, value in changed.items() if value != getattr(deal, name)}


def money_text(amount: Decimal | None, currency: str) -> str | None:
    """`1200.00 USD`; an amount without its currency says nothing."""
    return None if amount is None else f"{amount:.2f} {currency}"


def _text(value: Decimal | date | None) -> str | None:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return None if value is None else value.isoformat()


def _name(session: Session, user_id: int | None) -> str | None:
    user = session.get(User, user_id, execution_options=_ANY) if user_id is not None else None
    return None if user is None else user.name or user.username
