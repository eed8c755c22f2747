"""Handing over: everything open of one user becomes another's, in one transaction; what is closed stays as it was."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from crm import access, audit
from crm.actor import Actor
from crm.columns import now
from crm.db import actor_of
from crm.entity import entity_of, name_of, operation
from crm.errors import invalid
from crm.i18n import translate
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.opportunity import Opportunity
from crm.models.opportunity_history import OpportunityChange, OpportunityHistory
from crm.models.reminder import Reminder, ReminderKind, ReminderState
from crm.models.schedule import Schedule
from crm.models.task import OPEN, Task
from crm.models.task_series import TaskSeries
from crm.models.user import User
from crm.rights import load_actor
from crm.services import links, notifications, records, reminders, rows, task_reminders, users
from crm.services.chunks import chunks

TITLE = "%(count)s records were handed over to you"
BODY = "From %(name)s: %(what)s"
_UNSCOPED: dict[str, Any] = {"unscoped": True}
#: reminders of other kinds are made anew each morning, for whoever owns the record then
_PROMISED = (ReminderKind.CUSTOM, ReminderKind.TASK)


class Kind(StrEnum):
    """What can be handed over."""

    CUSTOMERS = "customers"
    CONTACTS = "contacts"
    OPPORTUNITIES = "opportunities"
    TASKS = "tasks"
    TASK_SERIES = "task_series"
    SCHEDULES = "schedules"
    REMINDERS = "reminders"


@dataclass(frozen=True, slots=True)
class _Belonging:
    model: Any
    is_open: tuple[Any, ...] = ()

    @property
    def owner(self) -> str:
        return entity_of(self.model).owner


_BELONGINGS: dict[Kind, _Belonging] = {
    Kind.CUSTOMERS: _Belonging(Customer),
    Kind.CONTACTS: _Belonging(Contact),
    Kind.OPPORTUNITIES: _Belonging(Opportunity, (Opportunity.closed_at.is_(None),)),
    Kind.TASKS: _Belonging(Task, (Task.status.in_(OPEN),)),
    Kind.TASK_SERIES: _Belonging(TaskSeries, (TaskSeries.active,)),
    Kind.SCHEDULES: _Belonging(Schedule, (Schedule.enabled,)),
    # those of records go with the records
    Kind.REMINDERS: _Belonging(Reminder, (Reminder.state == ReminderState.WAITING, Reminder.record_type.is_(None))),
}


def open_records(session: Session, user: User) -> dict[Kind, int]:
    """How much of each kind is open and belongs to the user, whoever may see it."""
    return {
        kind: session.scalar(select(func.count(of.model.id)).where(*_mine(of, user)), execution_options=_UNSCOPED) or 0
        for kind, of in _BELONGINGS.items()
    }


@operation(User, icon="transfer")
def hand_over(
    session: Session,
    user: User,
    *,
    to_user_id: int,
    kinds: Collection[Kind] | None = None,
    disable: bool = False,
) -> dict[Kind, int]:
    """Give what is open and theirs to an active colleague.

    Answers how much of each kind.  Whoever may hand over hands over all of it, seen or not: what is left behind by one
    who has gone is nobody's.  The receiver is told once.  `disable` takes the user's access away in the same
    transaction.
    """
    receiver, reach = _receiver(session, user, to_user_id)
    done: dict[Kind, int] = {}
    for kind in [kind for kind in Kind if kinds is None or kind in kinds]:
        done[kind] = _hand_over(session, _BELONGINGS[kind], user, receiver, reach)
    if any(done.values()):
        told = {str(kind): [number, 0] for kind, number in done.items() if number}
        audit.note(session, user, "hand_over", {"to_user_id": [None, receiver.id], **told})
        _tell(session, user, receiver, done)
    if disable:
        users.update(session, user, {"status": False})
    return done


def _receiver(session: Session, user: User, key: int) -> tuple[User, Actor]:
    """Whom the records go to, with the teams they reach."""
    reach = load_actor(session, key) if key != user.id and access.is_visible(session, User, key) else None
    if reach is None:
        raise invalid("toUserId", "must be another user, who may sign in")
    return session.get_one(User, key), reach


def _mine(of: _Belonging, user: User) -> tuple[Any, ...]:
    return (getattr(of.model, of.owner) == user.id, access.in_trash(of.model, "live"), *of.is_open)


def _hand_over(session: Session, of: _Belonging, user: User, receiver: User, reach: Actor) -> int:
    mine = select(of.model.id).where(*_mine(of, user)).order_by(of.model.id)
    done = 0
    for some in chunks(list(session.scalars(mine, execution_options=_UNSCOPED))):
        teams = _locked(session, of, some, user)
        if of.model is Schedule and teams:
            _check_lent(actor_of(session), receiver)
        waiting = _waiting(session, of.model, sorted(teams), user)
        done += len(teams)
        if of.model is Reminder:
            _give_promises(session, sorted(teams), receiver)
            continue
        if of.model is Task:  # the moments of its reminders are reckoned in the assignee's zone
            _give_tasks(session, sorted(waiting), receiver, reach)
            teams = {key: team for key, team in teams.items() if key not in waiting}
        else:
            _give_reminders(session, waiting, receiver)
        if of.model is Opportunity:
            session.add_all(_history(session, sorted(teams), user, receiver))
        _reassign(session, of, teams, user, receiver, reach)
    records.flush(session, of.model)
    return done


def _check_lent(actor: Actor, receiver: User) -> None:
    """What a schedule does was chosen by its owner, and is done with the rights of the next one."""
    if not actor.everything and receiver.id != actor.user_id:
        raise invalid(
            "kinds", "may name schedules for an administrator or their receiver only: they run with its rights"
        )


def _locked(session: Session, of: _Belonging, keys: Sequence[int], user: User) -> dict[int, int | None]:
    """Number → team, of those that are still the user's: whoever is editing one of them finishes first."""
    team = getattr(of.model, "team_id", literal(None))
    wanted = select(of.model.id, team).where(of.model.id.in_(keys), *_mine(of, user)).order_by(of.model.id)
    found = session.execute(wanted.with_for_update(key_share=True), execution_options=_UNSCOPED)
    return {key: team_id for key, team_id in found}  # noqa: C416


def _reassign(
    session: Session, of: _Belonging, teams: Mapping[int, int | None], user: User, receiver: User, reach: Actor
) -> None:
    """By one statement for all of them; each is audited."""
    values: dict[int, dict[str, Any]] = {}
    told: dict[int, audit.Changes] = {}
    for key, team in teams.items():
        values[key], told[key] = {of.owner: receiver.id}, {of.owner: [user.id, receiver.id]}
        if hasattr(of.model, "team_id"):
            values[key]["team_id"] = _team(team, reach)
            told[key] |= {"team_id": [team, _team(team, reach)]} if _team(team, reach) != team else {}
    rows.write(session, of.model, values, action="hand_over", told=told)


def _team(team: int | None, reach: Actor) -> int | None:
    """The record stays with its team if the receiver belongs there; else it follows them to theirs."""
    return team if team in reach.team_ids or reach.home_team is None else reach.home_team


def _history(session: Session, keys: Sequence[int], user: User, receiver: User) -> list[OpportunityHistory]:
    names = {"before": user.name or user.username, "after": receiver.name or receiver.username}
    common = {"change": OpportunityChange.OWNER, "changed_by": actor_of(session).user_id, "created_at": now(), **names}
    return [OpportunityHistory(opportunity_id=key, **common) for key in keys]


def _give_tasks(session: Session, keys: Sequence[int], receiver: User, reach: Actor) -> None:
    for task in session.scalars(select(Task).where(Task.id.in_(keys)), execution_options=_UNSCOPED).all():
        with session.no_autoflush:  # its reminders ask what has changed
            task.assignee_id, task.team_id = receiver.id, _team(task.team_id, reach)
            task_reminders.carry(session, task)
        records.flush(session, Task)


def _give_promises(session: Session, keys: Sequence[int], receiver: User) -> None:
    for reminder in session.scalars(select(Reminder).where(Reminder.id.in_(keys)), execution_options=_UNSCOPED):
        reminders.hand_over(session, reminder, receiver.id)


def _give_reminders(session: Session, waiting: Mapping[int, Sequence[Reminder]], receiver: User) -> None:
    for reminder in [one for some in waiting.values() for one in some]:
        if reminder.kind in _PROMISED:
            reminders.hand_over(session, reminder, receiver.id)
        else:
            reminders.cancel(session, reminder)


def _waiting(session: Session, model: Any, keys: Sequence[int], user: User) -> dict[int, list[Reminder]]:
    """Record's number → the user's reminders of it that are still to be told."""
    wanted = select(Reminder).where(
        Reminder.record_type == name_of(model),
        Reminder.record_id.in_(keys),
        Reminder.user_id == user.id,
        Reminder.state == ReminderState.WAITING,
    )
    by_key: dict[int, list[Reminder]] = {}
    for reminder in session.scalars(wanted, execution_options=_UNSCOPED):
        by_key.setdefault(reminder.record_id or 0, []).append(reminder)
    return by_key


def _tell(session: Session, user: User, receiver: User, done: dict[Kind, int]) -> None:
    """One message about all of it."""
    if receiver.id == actor_of(session).user_id:
        return
    names = {kind: translate(receiver.locale, str(kind).replace("_", " ").capitalize()) for kind in done}
    what = ", ".join(f"{names[kind]}: {number}" for kind, number in done.items() if number)
    first = next(kind for kind, number in done.items() if number)
    of = _BELONGINGS[first]
    notifications.tell(
        session,
        receiver,
        kind="assigned",
        title=translate(receiver.locale, TITLE, count=sum(done.values())),
        body=translate(receiver.locale, BODY, name=user.name or user.username, what=what),
        key=f"hand-over:{uuid.uuid4()}",
        link=links.list_path(of.model, **{of.owner: receiver.id}),
    )
