"""One tick of the clock: schedules and reminders that are due become jobs, vanished workers are noticed.

A fire or a reminder is a job with a unique key, so any number of clocks may tick at once, and a tick may be repeated.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, exists, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.actor import system
from crm.columns import now
from crm.db import Database
from crm.errors import CrmError
from crm.jobs import enqueue, purge
from crm.jobs.sweep import SECOND_CRASH_PAUSE_S, sweep
from crm.logs import logger
from crm.models.job import Job
from crm.models.reminder import Reminder, ReminderState
from crm.models.schedule import Schedule
from crm.services import expiry, job_alerts, mornings, schedules

CLOCK = system("scheduler")
REMINDERS_AT_ONCE = 500
_UNSCOPED: dict[str, Any] = {"unscoped": True}
_log = logger(__name__)


def tick(database: Database, *, zone: str) -> int:
    """Everything that is due at this moment; how many jobs were asked for."""
    return ask_for_reminders(database) + ask_for_fires(database, zone=zone)


def ask_for_fires(database: Database, *, zone: str) -> int:
    """Each schedule in a transaction of its own; one that cannot be read stops no other."""
    moment, asked = now(), 0
    with database.read_only(CLOCK) as session:
        rows = session.scalars(select(Schedule).where(Schedule.enabled).order_by(Schedule.id)).all()
        due = [row.id for row in rows if _has_due(row, moment, zone)]
    for schedule_id in due:
        try:
            with database.transaction(CLOCK) as session:
                asked += _fire(session, schedule_id, moment, zone)
        except (CrmError, TypeError, ValueError) as error:
            _log.error("schedule cannot be run", schedule=schedule_id, error=str(error))
    return asked


def ask_for_reminders(database: Database) -> int:
    """Reminders that are due and have no job yet. The version is part of the key: a changed one is asked for anew."""
    with database.read_only(CLOCK) as session:
        rows = session.execute(_due_reminders(), execution_options=_UNSCOPED).all()
    if not rows:
        return 0
    with database.transaction(CLOCK) as session:
        return sum(_tell(session, row) is not None for row in rows)


def ask_for_mornings(database: Database) -> int:
    """Reminders of this morning, in every zone in which it has begun; how many were made."""
    with database.read_only(CLOCK) as session:
        wanted = mornings.due(session, now())
    for first in range(0, len(wanted), REMINDERS_AT_ONCE):
        try:
            with database.transaction(CLOCK) as session:
                mornings.promise(session, wanted[first : first + REMINDERS_AT_ONCE])
        except IntegrityError:  # another clock was faster with one of them; the others wait for the next round
            _log.info("another clock makes this morning's reminders")
            return first
    return len(wanted)


def look_after_workers(database: Database, *, pause_s: float = SECOND_CRASH_PAUSE_S) -> int:
    """Jobs whose worker vanished are run again, given up or shown; how many."""
    with database.engine().begin() as connection:
        found = sweep(connection, by=CLOCK.name, pause_s=pause_s)
    if found:
        _log.warning("workers vanished", jobs=found)
    return found


def tell_of_dead_jobs(database: Database) -> int:
    """Administrators are told of the jobs that died since the last look, and that jobs are late; how much was told."""
    with database.read_only(CLOCK) as session:
        if not job_alerts.anything_to_tell(session):
            return 0
    with database.transaction(CLOCK) as session:
        return job_alerts.tell_of_dead(session) + job_alerts.tell_of_late(session)


def forget(database: Database) -> int:
    """Tokens, sessions and the like that have run out are deleted, and jobs done long ago; how many rows."""
    with database.transaction(CLOCK) as session:
        count = expiry.purge_expired(session)
    while True:  # in short transactions: whoever asks for a job must not wait for this
        with database.engine().begin() as connection:
            gone = purge.purge(connection)
        count += gone
        if gone < purge.BATCH:
            return count


def ask_for_sweep(database: Database) -> bool:
    """Once an hour, however many clocks there are: contents that no file speaks of any more are to be removed."""
    with database.transaction(CLOCK) as session:
        number = enqueue(session, "file.sweep", key=f"file.sweep:{now():%Y-%m-%dT%H}", attempts=3)
    return number is not None


def _tell(session: Session, due: Any) -> int | None:
    return enqueue(session, "reminder.tell", key=due.key, priority=50, reminder_id=due.id, version=due.version)


def _has_due(schedule: Schedule, moment: datetime, zone: str) -> bool:
    try:
        return bool(schedules.due(schedule, moment, zone=zone))
    except (CrmError, TypeError, ValueError) as error:  # a row that no rule has checked must not stop the others
        _log.error("schedule cannot be read", schedule=schedule.id, error=str(error))
        return False


def _fire(session: Session, schedule_id: int, moment: datetime, zone: str) -> int:
    """Ask for the fires that are due and move on; another clock that holds the row is doing just that."""
    locked = select(Schedule).where(Schedule.id == schedule_id, Schedule.enabled).with_for_update(skip_locked=True)
    schedule = session.scalar(locked)
    fires = schedules.due(schedule, moment, zone=zone) if schedule is not None else []
    if schedule is None or not fires:
        return 0
    keys = [schedules.fire_key(schedule, fire, zone=zone) for fire in fires]
    asked = sum(schedules.ask(session, schedule, key) is not None for key in keys)
    _move_on(session, schedule, fires[-1])
    return asked


def _move_on(session: Session, schedule: Schedule, last: datetime) -> None:
    """Beside the ORM: no new version, which would spoil the form somebody has open, and no audit row per fire."""
    statement = update(Schedule).where(Schedule.id == schedule.id).values(fires_after=last, last_fire_at=last)
    session.connection().execute(statement)


def _due_reminders() -> Any:
    key = literal("reminder:") + cast(Reminder.id, String) + literal("@") + cast(Reminder.version, String)
    due = (Reminder.state == ReminderState.WAITING, Reminder.remind_at <= now())
    asked = exists().where(Job.dedupe_key == key)
    wanted = select(Reminder.id, Reminder.version, key.label("key")).where(*due, ~asked)
    return wanted.order_by(Reminder.remind_at, Reminder.id).limit(REMINDERS_AT_ONCE)
