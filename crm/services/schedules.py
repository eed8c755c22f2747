"""Schedules: what a row must say to be kept, and which of its fires are due."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from crm import audit
from crm.actor import Actor
from crm.columns import now
from crm.db import actor_of
from crm.entity import operation, rule
from crm.errors import BadInput, Forbidden, invalid
from crm.jobs import PAYLOAD_LIMIT, enqueue
from crm.models.job import Job
from crm.models.schedule import CatchUp, Schedule
from crm.models.user import User
from crm.services.fire_times import Timing

#: a missed fire older than this is left out by the policy `skip`
SKIP_AFTER = timedelta(seconds=60)
#: fires of one schedule that become jobs at once; the rest follows at the next tick
EACH_LIMIT = 100
#: of JSON; each fire adds its own name
LONGEST_PAYLOAD = PAYLOAD_LIMIT - 1024
_TIMING = ("cron", "interval_s", "timezone", "enabled", "catch_up")


@dataclass(frozen=True, slots=True)
class Schedulable:
    """A kind of job that a schedule may name: its queue and attempts, and the check of its payload."""

    queue: str
    check: Callable[[Session, Mapping[str, Any]], None]
    attempts: int = 10


#: kind of job → how a schedule asks for it
SCHEDULABLE: dict[str, Schedulable] = {}


@rule(Schedule)
def check(session: Session, schedule: Schedule, changed: frozenset[str]) -> None:
    """Cron or interval, a kind that can be scheduled with a payload that fits, and an owner whose rights it may use."""
    timing_of(schedule, "UTC").check()
    if {"kind", "payload"} & changed or not inspect(schedule).has_identity:
        _check_kind(session, schedule)
    _check_owner(actor_of(session), schedule)
    if _touched(schedule):
        schedule.fires_after = now()  # what was missed under the old terms is not made up for


def timing_of(schedule: Schedule, zone: str) -> Timing:
    """`zone` is the system's, for schedules that name none."""
    return Timing(schedule.cron or "", schedule.interval_s, schedule.timezone or zone)


def due(schedule: Schedule, moment: datetime, *, zone: str) -> list[datetime]:
    """The fires that are due at `moment`, oldest first, as the catch-up policy of the schedule wants them."""
    timing, after = timing_of(schedule, zone), schedule.fires_after or schedule.created_at
    if schedule.catch_up is CatchUp.EACH:
        return timing.between(after, moment, limit=EACH_LIMIT)
    fire = timing.latest(after, moment)
    if fire is None or (schedule.catch_up is CatchUp.SKIP and fire < moment - SKIP_AFTER):
        return []
    return [fire]


@operation(Schedule, icon="player-play")
def run_now(session: Session, schedule: Schedule) -> None:
    """Run it once, at once, with its owner's rights; the fires to come are not touched."""
    fire = f"{schedule.id}@now-{uuid4().hex[:16]}"
    number = ask(session, schedule, fire)
    audit.note(session, schedule, "run_now", {"job": [None, number]})


def ask(session: Session, schedule: Schedule, fire: str) -> int | None:
    """Ask for the job of one fire; None if it was asked for before.  One of a kind that is gone ends as dead."""
    known = SCHEDULABLE.get(schedule.kind)
    options: dict[str, Any] = {"queue": known.queue, "attempts": known.attempts} if known else {}
    key, payload = f"schedule:{fire}", {**schedule.payload, "fire": fire}
    return enqueue(session, schedule.kind, key=key, principal_id=schedule.owner_id, **options, **payload)


def coming(schedule: Schedule, *, zone: str, count: int = 5) -> list[datetime]:
    """The next fires; none while it is switched off, or where its timing makes no sense."""
    timing = timing_of(schedule, zone)
    try:
        timing.check()
    except BadInput:
        return []
    since = schedule.fires_after or schedule.created_at
    return timing.coming(now(), count, since=since) if schedule.enabled else []


def jobs_of(session: Session, schedule: Schedule, *, limit: int = 10) -> Sequence[Job]:
    """The jobs of its last fires, newest first, of those the actor may see."""
    ours = Job.dedupe_key.startswith(f"schedule:{schedule.id}@", autoescape=True)
    wanted = select(Job).where(Job.kind == schedule.kind, Job.created_at >= schedule.created_at, ours)
    return session.scalars(wanted.order_by(Job.id.desc()).limit(limit)).all()


def fire_key(schedule: Schedule, fire: datetime, *, zone: str) -> str:
    """`12@2026-11-30T08:00 Europe/Berlin`: the unique name of one fire, which keeps it from being asked for twice."""
    return f"{schedule.id}@{timing_of(schedule, zone).key(fire)}"


def _check_kind(session: Session, schedule: Schedule) -> None:
    known = SCHEDULABLE.get(schedule.kind)
    if known is None:
        raise invalid("kind", "must be one of: %(expected)s", expected=", ".join(sorted(SCHEDULABLE)))
    if len(json.dumps(schedule.payload, default=str)) > LONGEST_PAYLOAD:
        raise invalid("payload", "must have at most %(max_length)s characters", max_length=LONGEST_PAYLOAD)
    known.check(session, schedule.payload or {})


def _check_owner(actor: Actor, schedule: Schedule) -> None:
    """A schedule runs with its owner's rights: nobody may lend themselves those of another, or the system's."""
    if not actor.everything and schedule.owner_id != actor.user_id:
        raise Forbidden("A schedule runs with its owner's rights: only its owner may change it")


def _touched(schedule: Schedule) -> bool:
    state = inspect(schedule)
    return not state.has_identity or any(state.attrs[name].history.has_changes() for name in _TIMING)


def check_recipients(session: Session, numbers: Any) -> None:
    """Numbers of users the actor can see, maybe none yet; raises BadInput for the field `payload`."""
    if not isinstance(numbers, list) or not all(type(n) is int for n in numbers):
        raise invalid("payload", "must name the recipients, by the numbers of users")
    found = set(session.scalars(select(User.id).where(User.id.in_(numbers))))
    if missing := sorted(set(numbers) - found):
        raise invalid("payload", "names recipients that do not exist: %(numbers)s", numbers=missing)
