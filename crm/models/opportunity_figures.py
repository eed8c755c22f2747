"""What is computed about a deal whenever it is read, and never stored: each formula once in Python, once in SQL."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, false, func, inspect, literal, true
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import object_session

from crm.columns import Fraction, now
from crm.expressions import NOW, TODAY, Behind, seconds, seconds_between, share, share_of, today
from crm.models.stage import Stage, StageCategory

#: a deal is stale after one and a half times the days its stage expects; in seconds a day
STALE_S = 129_600
DAY_S = 86_400
RUNNING = (StageCategory.OPEN, StageCategory.ON_HOLD)
_ITS_STAGE = Stage.__table__.alias("its_stage")
_STAGE = _ITS_STAGE.c
_SETTLED = {StageCategory.WON: Decimal(1), StageCategory.LOST: Decimal(0)}


class Reckoned:
    """Mixin of Opportunity."""

    stage_id: Any
    amount: Any
    probability_override: Any
    expected_close_date: Any
    stage_entered_at: Any
    seconds_before_hold: Any
    created_at: Any
    closed_at: Any

    @property
    def stage_now(self) -> Stage:
        """The stage, whatever the reader may see of it, in the trash or not."""
        session: Any = object_session(self)
        found: Stage = session.get_one(Stage, self.stage_id, execution_options={"unscoped": True, "trash": "any"})
        return found

    @hybrid_property
    def probability(self) -> Decimal:
        """Chance to win: 1 when won, 0 when lost, else the override, else the stage's default."""
        stage, override = self.stage_now, self.probability_override
        return _SETTLED.get(stage.category, stage.default_probability if override is None else override)

    @probability.inplace.expression
    @classmethod
    def _probability(cls) -> ColumnElement[Decimal]:
        return _of_stage(cls, _chance(_rows(cls)))

    @hybrid_property
    def weighted_amount(self) -> Decimal | None:
        """Amount times probability, to the cent."""
        return None if self.amount is None else share(self.amount, self.probability)

    @weighted_amount.inplace.expression
    @classmethod
    def _weighted_amount(cls) -> ColumnElement[Decimal]:
        rows = _rows(cls)
        return _of_stage(cls, share_of(rows.amount, _chance(rows)))

    @hybrid_property
    def overdue(self) -> bool:
        """Open, and the day it was expected to close is past."""
        expected: date | None = self.expected_close_date
        return expected is not None and expected < today() and self.stage_now.category in RUNNING

    @overdue.inplace.expression
    @classmethod
    def _overdue(cls) -> ColumnElement[bool]:
        late = and_(_STAGE.category.in_(RUNNING), _rows(cls).expected_close_date < TODAY)
        return _of_stage(cls, _flag(late))

    @hybrid_property
    def stale(self) -> bool:
        """In its stage for longer than one and a half times the expected days; time on hold is left out."""
        stage: Stage = self.stage_now
        if stage.category is not StageCategory.OPEN or stage.expected_days is None:
            return False
        entered: datetime = self.stage_entered_at
        stayed = seconds(entered, now()) + int(self.seconds_before_hold)
        return stayed > stage.expected_days * STALE_S

    @stale.inplace.expression
    @classmethod
    def _stale(cls) -> ColumnElement[bool]:
        rows = _rows(cls)
        stayed = seconds_between(rows.stage_entered_at, NOW) + rows.seconds_before_hold
        long = and_(_STAGE.category == StageCategory.OPEN, stayed > cast(_STAGE.expected_days, BigInteger) * STALE_S)
        return _of_stage(cls, _flag(long))

    @hybrid_property
    def age_days(self) -> int:
        """Whole days since it was made, until it was closed; never less than 0."""
        return max(0, seconds(self.created_at, self.closed_at or now())) // DAY_S

    @age_days.inplace.expression
    @classmethod
    def _age_days(cls) -> ColumnElement[int]:
        rows = _rows(cls)
        lived = seconds_between(rows.created_at, func.coalesce(rows.closed_at, NOW))
        return case((lived > 0, lived // DAY_S), else_=0)


def _rows(cls: Any) -> Any:
    """The columns of Opportunity, or of the alias it is read by."""
    return inspect(cls).selectable.c


def _of_stage(cls: Any, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """`value` with the columns of the deal's stage: by the table, so that a stage in the trash counts as well."""
    return Behind(value, _ITS_STAGE, _STAGE.id == _rows(cls).stage_id, inspect(cls).selectable)


def _chance(rows: Any) -> ColumnElement[Decimal]:
    settled = [(_STAGE.category == kind, literal(value, Fraction())) for kind, value in _SETTLED.items()]
    return case(*settled, else_=func.coalesce(rows.probability_override, _STAGE.default_probability))


def _flag(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """True or false, never NULL."""
    return case((condition, true()), else_=false())
