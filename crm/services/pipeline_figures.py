"""The open pipeline: how many deals stand in each stage, and what they are worth, per currency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm import access
from crm.db import actor_of
from crm.models.opportunity import Opportunity
from crm.models.pipeline import Pipeline
from crm.models.stage import Stage, StageCategory

OPEN = (StageCategory.OPEN, StageCategory.ON_HOLD)


@dataclass(frozen=True, slots=True)
class StageFigures:
    """Open deals of one stage in one currency; `amount` sums those that have one, `without_amount` counts the rest."""

    pipeline: str
    stage: str
    currency: str
    count: int
    amount: Decimal
    without_amount: int


@dataclass(frozen=True, slots=True)
class CurrencyFigures:
    """The same over all stages of one currency: currencies are never added to each other."""

    currency: str
    count: int
    amount: Decimal
    without_amount: int


def open_pipeline(session: Session) -> list[StageFigures]:
    """Open deals the actor may see, by pipeline, stage (in its order) and currency.

    Deals in a stage that is in the trash count as well; deals in the trash do not.
    """
    access.require(actor_of(session), "view_opportunities")
    wanted = (
        select(
            Pipeline.name,
            Stage.name,
            Opportunity.currency,
            func.count(Opportunity.id),
            func.sum(Opportunity.amount),
            func.count(Opportunity.amount),
        )
        .join(Stage, Stage.id == Opportunity.stage_id)
        .join(Pipeline, Pipeline.id == Stage.pipeline_id)
        .where(Stage.category.in_(OPEN), Opportunity.deleted_at.is_(None))
        .group_by(Pipeline.name, Pipeline.id, Stage.position, Stage.id, Stage.name, Opportunity.currency)
        .order_by(Pipeline.name, Pipeline.id, Stage.position, Stage.id, Opportunity.currency)
        .execution_options(trash="any")
    )
    return [
        StageFigures(pipeline, stage, currency, count, total or Decimal(0), count - with_amount)
        for pipeline, stage, currency, count, total, with_amount in session.execute(wanted)
    ]


def by_currency(figures: Iterable[StageFigures]) -> list[CurrencyFigures]:
    """One line per currency, by its code."""
    ordered = sorted(figures, key=lambda f: f.currency)
    return [_total(currency, list(lines)) for currency, lines in groupby(ordered, key=lambda f: f.currency)]


def _total(currency: str, lines: list[StageFigures]) -> CurrencyFigures:
    return CurrencyFigures(
        currency,
        sum(line.count for line in lines),
        sum((line.amount for line in lines), Decimal(0)),
        sum(line.without_amount for line in lines),
    )
