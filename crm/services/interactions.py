"""What holds for every interaction, whichever door it came through: its links agree, and the deal knows of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from crm.columns import now
from crm.entity import rule
from crm.errors import invalid
from crm.models.contact import Contact
from crm.models.interaction import Interaction, InteractionKind
from crm.models.opportunity import Opportunity

#: kinds that may be planned; of everything else one can only tell once it has happened
PLANNED = frozenset({InteractionKind.MEETING, InteractionKind.VISIT})
#: clocks differ, and a day is named before it is over elsewhere
_AHEAD = timedelta(days=1)
_LINKS = frozenset({"customer_id", "contact_id", "opportunity_id"})
_UNSCOPED = {"unscoped": True}


@rule(Interaction)
def link_alike(session: Session, interaction: Interaction, changed: frozenset[str]) -> None:
    """The customer follows from the deal, else from the person; a deal of somebody else is refused.

    The person may be of another company: consultants and partners take part in what concerns a customer.
    """
    if not changed & _LINKS:
        return
    deals_customer = _customer_of(session, Opportunity, interaction.opportunity_id)
    if interaction.customer_id is None:
        interaction.customer_id = deals_customer or _customer_of(session, Contact, interaction.contact_id)
    elif deals_customer is not None and deals_customer != interaction.customer_id:
        raise invalid("opportunityId", "must be a deal of the same customer")


@rule(Interaction)
def happened_already(_session: Session, interaction: Interaction, changed: frozenset[str]) -> None:
    """Meetings and visits may be planned; a call of next week has not been made."""
    if not changed & {"kind", "occurred_at"} or "occurred_at" not in interaction.__dict__:
        return
    kind = interaction.kind or InteractionKind.NOTE
    if kind not in PLANNED and interaction.occurred_at > now() + _AHEAD:
        raise invalid("occurredAt", "lies in the future; only meetings and visits can be planned")


@rule(Interaction)
def raise_last_activity(session: Session, interaction: Interaction, changed: frozenset[str]) -> None:
    """The deal's last activity never goes back.  No change of the deal itself: whoever edits it is not disturbed."""
    if interaction.opportunity_id is None or not changed & {"opportunity_id", "occurred_at"}:
        return
    moment = interaction.__dict__.get("occurred_at") or now()
    if moment > now() + _AHEAD:
        return
    is_older = or_(Opportunity.last_activity_at.is_(None), Opportunity.last_activity_at < moment)
    later = update(Opportunity).where(Opportunity.id == interaction.opportunity_id, is_older)
    session.execute(later.values(last_activity_at=moment), execution_options=_UNSCOPED | {"synchronize_session": False})
    deal = session.identity_map.get(session.identity_key(Opportunity, interaction.opportunity_id))
    if deal is not None:
        session.expire(deal, ["last_activity_at"])


def _customer_of(session: Session, model: type[Any], key: int | None) -> int | None:
    """The customer of a deal or a person; of those the writer does not see, too: links agree for everybody."""
    if key is None:
        return None
    return session.scalar(select(model.customer_id).where(model.id == key), execution_options=_UNSCOPED)
