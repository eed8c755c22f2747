"""What each user is reminded of in the morning of their own zone: follow-ups, closing days, stale deals, overdue tasks.

Nothing is planned ahead: the clock looks for what is due this morning and makes a reminder of it, whose key
(`follow_up:opportunity:12:7@2026-11-30`) is unique, so that any number of clocks may look, and a changed date leaves
nothing behind.  Mornings that were missed (nothing ran) are made up for, those of a long weekend and no more; of the
overdue tasks only the last one tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from crm import zones
from crm.entity import name_of
from crm.i18n import translate
from crm.models.opportunity import Opportunity
from crm.models.opportunity_figures import RUNNING, STALE_S
from crm.models.reminder import Channel, Reminder, ReminderKind
from crm.models.stage import Stage, StageCategory
from crm.models.task import OPEN, Task
from crm.models.user import User
from crm.services.chunks import chunks
from crm.services.stages import LONGEST_STAY_DAYS

MORNING = time(8)
#: what was missed for longer is not made up for
WINDOW = timedelta(hours=72)
_DAY = timedelta(hours=24)
OVERDUE_SUBJECT = "Overdue tasks"
_ANY: dict[str, Any] = {"unscoped": True}
_DEAL = name_of(Opportunity)


@dataclass(frozen=True, slots=True)
class Morning:
    """Eight o'clock of one day in some zones (as users name them) that have it at the same instant.

    `is_late`: another one has begun since.
    """

    day: date
    begins: datetime
    zones: tuple[str, ...]
    is_late: bool

    @property
    def yesterday(self) -> datetime:
        """The morning before, to the instant: days on which the clocks change are shorter or longer."""
        return zones.at_local(self.day - timedelta(days=1), MORNING, zones.zone(self.zones[0]))


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder that has to be made."""

    kind: ReminderKind
    user_id: int
    subject: str
    remind_at: datetime
    key: str
    deal_id: int | None = None


def key_of(kind: ReminderKind, user_id: int, occurrence: date | datetime | None, deal_id: int | None = None) -> str:
    """`stale:opportunity:12:7@1764493200`: what, of which record, for whom, and which time of many."""
    when = int(occurrence.timestamp()) if isinstance(occurrence, datetime) else occurrence
    about = f"{_DEAL}:{deal_id}:" if deal_id is not None else ""
    return f"{kind}:{about}{user_id}@{when}"


def due(session: Session, moment: datetime) -> list[Due]:
    """What is due at `moment` and has no reminder yet; only reads."""
    found: list[Due] = []
    for morning in _mornings(session, moment):
        wanted = [*_dated(session, morning), *_stale(session, morning)]
        if not morning.is_late:
            wanted += _overdue(session, morning)
        found += _new(session, wanted)
    return found


def promise(session: Session, wanted: Sequence[Due]) -> None:
    """Reminders that are told at once; IntegrityError if another clock made one of them meanwhile."""
    for one in wanted:
        link = {"record_type": _DEAL, "record_id": one.deal_id} if one.deal_id is not None else {}
        made = Reminder(
            kind=one.kind,
            user_id=one.user_id,
            subject=one.subject[:200],
            remind_at=one.remind_at,
            channel=Channel.APP,
            key=one.key,
            **link,
        )
        session.add(made)
    session.flush()


# ---------------------------------------------------------------------------------------------- which mornings


def _mornings(session: Session, moment: datetime) -> Iterator[Morning]:
    """Those that began within the window, for the zones in which users live."""
    lived_in = select(User.timezone).where(User.status, User.deleted_at.is_(None)).distinct()
    begun: list[tuple[datetime, date, str]] = []
    for name in session.scalars(lived_in, execution_options=_ANY):
        place = zones.zone(name)
        today = moment.astimezone(place).date()
        for day in (today - timedelta(days=back) for back in range(WINDOW.days + 1)):
            begins = zones.at_local(day, MORNING, place)
            if moment - WINDOW < begins <= moment:
                begun.append((begins, day, name))
    for (begins, day), same in groupby(sorted(begun), key=lambda one: one[:2]):
        yield Morning(day, begins, tuple(name for *_, name in same), is_late=begins <= moment - _DAY)


def _owned_here(wanted: Select[*tuple[Any, ...]], morning: Morning) -> Select[*tuple[Any, ...]]:
    """Deals of people who may sign in and have this morning."""
    owner = and_(User.id == Opportunity.owner_id, User.status, User.deleted_at.is_(None))
    here = wanted.join(User, owner).where(User.timezone.in_(morning.zones), Opportunity.deleted_at.is_(None))
    return here.order_by(Opportunity.id)


# ---------------------------------------------------------------------------------------------- what is due


def _dated(session: Session, morning: Morning) -> Iterator[Due]:
    """Open deals whose next step or closing is expected on that day."""
    dates = {
        ReminderKind.FOLLOW_UP: Opportunity.next_step_date,
        ReminderKind.CLOSE_DATE: Opportunity.expected_close_date,
    }
    for kind, column in dates.items():
        deals = select(Opportunity.id, Opportunity.owner_id, Opportunity.name)
        deals = deals.join(Stage, Stage.id == Opportunity.stage_id).where(Stage.category.in_(RUNNING))
        if morning.is_late:  # nobody is reminded of a day that was past when it was written down
            deals = deals.where(Opportunity.updated_at <= morning.begins)
        for deal in session.execute(_owned_here(deals.where(column == morning.day), morning), execution_options=_ANY):
            key = key_of(kind, deal.owner_id, morning.day, deal.id)
            yield Due(kind, deal.owner_id, deal.name, morning.begins, key, deal.id)


def _stale(session: Session, morning: Morning) -> Iterator[Due]:
    """Deals that have become stale since yesterday's morning: once per entry into a stage, time on hold left out."""
    stages = select(Stage.id, Stage.expected_days).where(Stage.category == StageCategory.OPEN)
    stages = stages.where(Stage.expected_days.between(1, LONGEST_STAY_DAYS))
    entered, held = Opportunity.stage_entered_at, Opportunity.seconds_before_hold
    for stage in session.execute(stages, execution_options=_ANY):
        patience = timedelta(seconds=stage.expected_days * STALE_S)
        begin, end = morning.yesterday - patience, morning.begins - patience
        deals: Select[*tuple[Any, ...]] = select(Opportunity.id, Opportunity.owner_id, Opportunity.name, entered, held)
        deals = deals.where(Opportunity.stage_id == stage.id, entered > begin, or_(entered <= end, held > 0))
        for deal in session.execute(_owned_here(deals, morning), execution_options=_ANY):
            if begin < deal.stage_entered_at - timedelta(seconds=deal.seconds_before_hold) <= end:
                key = key_of(ReminderKind.STALE, deal.owner_id, deal.stage_entered_at, deal.id)
                yield Due(ReminderKind.STALE, deal.owner_id, deal.name, morning.begins, key, deal.id)


def _overdue(session: Session, morning: Morning) -> Iterator[Due]:
    """One digest for everyone who has tasks that were overdue as the morning began."""
    late = or_(Task.due_at < morning.begins, Task.due_date < morning.day)
    has_some = exists().where(Task.assignee_id == User.id, Task.status.in_(OPEN), Task.deleted_at.is_(None), late)
    here = and_(User.status, User.deleted_at.is_(None), User.timezone.in_(morning.zones))
    told = select(Reminder.user_id).where(
        Reminder.kind == ReminderKind.OVERDUE, Reminder.key.endswith(f"@{morning.day}"), Reminder.user_id == User.id
    )
    people = select(User.id, User.locale).where(here, ~told.exists(), has_some).order_by(User.id)
    for user in session.execute(people, execution_options=_ANY):
        key = key_of(ReminderKind.OVERDUE, user.id, morning.day)
        yield Due(ReminderKind.OVERDUE, user.id, translate(user.locale, OVERDUE_SUBJECT), morning.begins, key)


def _new(session: Session, wanted: Sequence[Due]) -> Iterator[Due]:
    """Those that have no reminder yet."""
    for some in chunks(wanted):
        known = select(Reminder.key).where(Reminder.key.in_([one.key for one in some]))
        made = set(session.scalars(known, execution_options=_ANY))
        yield from (one for one in some if one.key not in made)
