"""What is computed about a task whenever it is read: whether it is overdue, in its assignee's zone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, String, and_, bindparam, func, inspect, or_, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import object_session

from crm import zones
from crm.columns import now
from crm.expressions import NOW
from crm.models.task_terms import OPEN
from crm.models.user import User

_USER = User.__table__.c


def _first_day() -> date:
    return zones.days_by_zone(now())[0]


#: the earliest day that it is anywhere, the next one, and the zones that are one or two days ahead of it
_FIRST = bindparam("first_day", type_=Date(), callable_=_first_day)
_SECOND = bindparam("second_day", type_=Date(), callable_=lambda: _first_day() + timedelta(days=1))
_ONE_AHEAD = bindparam("one_ahead", type_=String(), callable_=lambda: zones.days_by_zone(now())[1])
_TWO_AHEAD = bindparam("two_ahead", type_=String(), callable_=lambda: zones.days_by_zone(now())[2])


class Reckoned:
    """Mixin of Task."""

    status: Any
    due_at: Any
    due_date: Any
    assignee_id: Any

    @hybrid_property
    def overdue(self) -> bool:
        """Open, and its due time is past, or its due day where the assignee lives."""
        if self.status not in OPEN:
            return False
        if self.due_at is not None:
            return bool(self.due_at < now())
        return self.due_date is not None and self.due_date < now().astimezone(zones.zone(self._zone())).date()

    @overdue.inplace.expression
    @classmethod
    def _overdue(cls) -> ColumnElement[bool]:
        """Never NULL, and by the indexes of both due columns."""
        own = inspect(cls).selectable.c
        at, day = own.due_at, own.due_date
        live = select(_USER.timezone).where(_USER.id == own.assignee_id).correlate(inspect(cls).selectable)
        zone = "," + func.coalesce(live.scalar_subquery(), "") + ","
        two = _TWO_AHEAD.contains(zone)
        near = or_(and_(day == _FIRST, or_(_ONE_AHEAD.contains(zone), two)), and_(day == _SECOND, two))
        past = and_(day.is_not(None), or_(day < _FIRST, near))
        return and_(own.status.in_(OPEN), or_(and_(at.is_not(None), at < NOW), past))

    def _zone(self) -> str:
        session: Any = object_session(self)
        user = session.get(User, self.assignee_id, execution_options={"unscoped": True}) if self.assignee_id else None
        return user.timezone if user is not None else ""
