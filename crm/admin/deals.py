"""The page of a deal: how its verbs are asked for, its lines and their sum, and what is wrong with it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session, object_session

from crm import access, formats
from crm.admin import labels, paths
from crm.admin.record_parts import Made, record_part
from crm.admin.verb_options import LOOKS, Look
from crm.columns import now
from crm.db import actor_of
from crm.entity import permission
from crm.expressions import seconds
from crm.i18n import gettext, lazy
from crm.models.lost_reason import LostReason
from crm.models.opportunity import Opportunity
from crm.models.opportunity_figures import DAY_S, RUNNING
from crm.models.opportunity_line import OpportunityLine
from crm.models.product import Product
from crm.models.stage import Stage
from crm.services import opportunity_lines
from crm.services.stage_entry import CLOSED

# ---------------------------------------------------------------------------------------------- verbs


def _running_stages(session: Session, deal: Opportunity) -> list[tuple[str, str]]:
    """Where it can be moved to: the open stages of its pipeline, in order, without the one it is in."""
    wanted = select(Stage.id, Stage.name).where(Stage.pipeline_id == deal.pipeline_id, Stage.category.in_(RUNNING))
    found = session.execute(wanted.order_by(Stage.position, Stage.id))
    return [(str(key), labels.known(Stage, name)) for key, name in found if key != deal.stage_id]


def _next_stage(deal: Opportunity) -> int | None:
    """Most deals go one stage forward."""
    session: Any = object_session(deal)
    beyond = tuple_(Stage.position, Stage.id) > (deal.stage_now.position, deal.stage_id)
    later = select(Stage.id).where(Stage.pipeline_id == deal.pipeline_id, Stage.category.in_(RUNNING), beyond)
    found: int | None = session.scalar(later.order_by(Stage.position, Stage.id).limit(1))
    return found


def _reasons(session: Session, _deal: Opportunity) -> list[tuple[str, str]]:
    wanted = select(LostReason.id, LostReason.name, LostReason.requires_note).where(LostReason.active)
    found = session.execute(wanted.order_by(LostReason.name, LostReason.id))
    told = [(str(key), labels.known(LostReason, name), note) for key, name, note in found]
    return [(key, gettext("%(reason)s (with a note)", reason=name) if note else name) for key, name, note in told]


LOOKS |= {
    ("opportunity", "move", "stage_id"): Look(choices=_running_stages, start=_next_stage),
    ("opportunity", "move", "from_stage_id"): Look(start=lambda deal: deal.stage_id, hidden=True),
    ("opportunity", "reopen", "stage_id"): Look(
        choices=_running_stages, doc=lazy("If left empty: the open stage it was in last.")
    ),
    ("opportunity", "win", "amount"): Look(start=lambda deal: deal.amount, doc=lazy("What was agreed.")),
    ("opportunity", "win", "closed_at"): Look(doc=lazy("If left empty: now.")),
    ("opportunity", "lose", "lost_reason_id"): Look(choices=_reasons),
}


# ---------------------------------------------------------------------------------------------- lines


@record_part(Opportunity, "crm/deal_lines.html", first=True)
def lines(session: Session, deal: Opportunity) -> Made:
    """{rows, sum, amount, differs, follows, note, new_url, follow_url}; nothing where there are none to see or add."""
    actor = actor_of(session)
    if not actor.may(permission(OpportunityLine, "view")):
        return None
    found = _rows(session, deal)
    open_still = deal.stage_now.category not in CLOSED and deal.deleted_at is None
    may = {v: open_still and opportunity_lines.may_change(session, deal, v) for v in ("create", "update", "delete")}
    if not found and not may["create"]:
        return None
    total = sum((line.total for line in found), Decimal(0))
    return {
        "rows": _drawn(session, deal, found, may),
        "sum": formats.money(total, deal.currency) if found else "",
        "note": _note(deal, total, has_lines=bool(found)),
        "new_url": _to(deal, "create", opportunity_id=deal.id) if may["create"] else "",
        "follow_url": _follow_url(session, deal) if found and open_still and deal.amount_by_hand else "",
    }


def _rows(session: Session, deal: Opportunity) -> list[OpportunityLine]:
    wanted = select(OpportunityLine).where(OpportunityLine.opportunity_id == deal.id)
    return list(session.scalars(wanted.order_by(OpportunityLine.position, OpportunityLine.id)))


def _drawn(
    session: Session, deal: Opportunity, found: list[OpportunityLine], may: dict[str, bool]
) -> list[dict[str, Any]]:
    products = labels.resolve(session, Product, (line.product_id for line in found if line.product_id))
    return [
        {
            "name": line.name,
            "product": _product(products.get(line.product_id or 0), line),
            "quantity": formats.number(line.quantity.normalize()),
            "unit_price": formats.money(line.unit_price, deal.currency),
            "discount": formats.percent(line.discount) if line.discount else "",
            "total": formats.money(line.total, deal.currency),
            "url": paths.details_of(OpportunityLine, line.id),
            "edit_url": _to(deal, "edit", line.id) if may["update"] else "",
            "remove_url": _to(deal, "delete", line.id) if may["delete"] else "",
        }
        for line in found
    ]


def _product(label: labels.Label | None, line: OpportunityLine) -> str:
    """What it is in the catalogue, where that says more than the line's own name."""
    return "" if label is None or label.text == line.name else label.text


def _note(deal: Opportunity, total: Decimal, *, has_lines: bool) -> str:
    if not has_lines:
        return ""
    if not deal.amount_by_hand:
        return gettext("The amount follows the lines.")
    if deal.amount == total:
        return gettext("The amount was typed; it is what the lines come to.")
    amount = "" if deal.amount is None else formats.money(deal.amount, deal.currency)
    return gettext("The amount was typed: %(amount)s.", amount=amount)


def _follow_url(session: Session, deal: Opportunity) -> str:
    allowed = access.allows(session, deal, "follow_lines")
    return paths.to(paths.identity(Opportunity), "do", deal.id, "follow_lines") if allowed else ""


def _to(deal: Opportunity, *parts: object, **query: object) -> str:
    """A page of a line that leads back to its deal."""
    return paths.to(paths.identity(OpportunityLine), *parts, **query, back=paths.details_of(Opportunity, deal.id))


# ---------------------------------------------------------------------------------------------- what is wrong


@record_part(Opportunity, "crm/deal_state.html", first=True)
def state(_session: Session, deal: Opportunity) -> Made:
    """{late, stale}: a sentence each, or nothing."""
    late = deal.overdue and deal.expected_close_date is not None
    told = {"late": _late(deal) if late else "", "stale": _stale(deal) if deal.stale else ""}
    return told if any(told.values()) else None


def _late(deal: Opportunity) -> str:
    return gettext("It was expected to close on %(day)s.", day=formats.day(deal.expected_close_date or formats.today()))


def _stale(deal: Opportunity) -> str:
    days = (seconds(deal.stage_entered_at, now()) + deal.seconds_before_hold) // DAY_S
    expected = deal.stage_now.expected_days
    return gettext(
        "It has been in this stage for %(days)s days; %(expected)s are expected.", days=days, expected=expected
    )
