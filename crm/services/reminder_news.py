"""Telling a reminder that is due: once per channel and moment, to whoever may still see what it is about.

What it says follows from its kind; what has become pointless (a task that is done, a deal that is closed, a date that
was changed) is cancelled instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crm import access, formats, i18n, zones
from crm.actor import Actor
from crm.columns import now
from crm.entity import name_of
from crm.i18n import gettext
from crm.mail.rendering import render
from crm.models.opportunity import Opportunity
from crm.models.opportunity_figures import RUNNING
from crm.models.reminder import Channel, Reminder, ReminderKind, ReminderState
from crm.models.stage import StageCategory
from crm.models.task import CLOSED, OPEN, Task
from crm.models.user import User
from crm.rights import load_actor
from crm.services import emails, links, mornings, notification_preferences, notifications, records, reminders

MOST_LISTED = 10
MOST_MAILED = 100
SUBJECT = "Reminder: %(subject)s"
_ANY: dict[str, Any] = {"unscoped": True}


@dataclass(frozen=True, slots=True)
class News:
    """What is told, in the reader's language; `kind` is the notification's.

    `listed` are (title, when, address inside the panel) of what a digest is about.
    """

    kind: str
    title: str
    body: str = ""
    link: str = ""
    listed: tuple[tuple[str, str, str], ...] = ()


def tell(
    session: Session, reminder_id: int, *, version: int | None = None, address: str = "", timezone: str = ""
) -> None:
    """Tell a due reminder by its channels, in the reader's language and zone; a second call does nothing.

    `version` is the one that somebody saw to be due: it is told unless it was changed since, whatever the clock of
    this machine says.  It is cancelled instead if the user may no longer sign in or see the record, or if there is
    nothing left to tell.
    """
    reminder = session.get(Reminder, reminder_id, execution_options=_ANY, with_for_update={"key_share": True})
    if reminder is None or reminder.state is not ReminderState.WAITING:
        return
    if reminder.remind_at > now() if version is None else reminder.version != version:
        return
    actor = load_actor(session, reminder.user_id)
    user = session.get(User, reminder.user_id, execution_options=_ANY) if actor is not None else None
    zone = (user.timezone if user else "") or timezone
    news = copy_context().run(_written, session, reminder, actor, user.locale, zone) if actor and user else None
    if news is None or user is None:
        reminders.cancel(session, reminder)
        return
    key = f"reminder:{reminder.id}@{int(reminder.remind_at.timestamp())}"
    if reminder.channel is not Channel.APP:
        _mail(session, reminder, user, key=key, address=address, zone=zones.zone(zone).key)
    if news.listed and notification_preferences.wish(session, user.id, news.kind).by_mail:
        _mail_digest(session, news, user, key=key, address=address, zone=zones.zone(zone).key)
    if reminder.channel is not Channel.EMAIL:
        _notify(session, reminder, user, news, key)
    reminder.state = ReminderState.SENT
    records.flush(session, Reminder)


def _notify(session: Session, reminder: Reminder, user: User, news: News, key: str) -> None:
    """By mail as well where the user wants that kind mailed, unless the reminder has a channel or mail of its own."""
    asked = reminder.kind in (ReminderKind.CUSTOM, ReminderKind.TASK)
    notifications.tell(
        session,
        user,
        kind=news.kind,
        title=news.title,
        body=news.body,
        link=news.link,
        key=key,
        about=reminder,
        mail=not asked and not news.listed,
    )


def _written(session: Session, reminder: Reminder, actor: Actor, language: str, zone: str) -> News | None:
    """In a context of its own, so that the language of the job stays what it was."""
    i18n.use(language)
    formats.use_zone(zones.zone(zone).key)
    record = None
    if reminder.record_type:
        record = links.seen_by(session, reminder, actor)
        if record is None:
            return None
    return _BY_KIND[reminder.kind](session, reminder, record, actor)


# ---------------------------------------------------------------------------------------------- what is said


def _of_task(session: Session, reminder: Reminder, record: Any, actor: Actor) -> News | None:
    """Also of other records, and of nothing but its own subject."""
    if isinstance(record, Task) and record.status in CLOSED:
        return None
    kind = "due" if reminder.kind is ReminderKind.TASK else "reminder"
    return News(kind, reminder.subject, _due(record), links.path(reminder))


def _due(record: Any) -> str:
    if not isinstance(record, Task) or (record.due_at is None and record.due_date is None):
        return ""
    when = formats.moment(record.due_at) if record.due_at is not None else formats.day(record.due_date)  # type: ignore[arg-type]
    return gettext("Due: %(moment)s", moment=when)


def _follow_up(session: Session, reminder: Reminder, deal: Opportunity, actor: Actor) -> News | None:
    if not _stands(reminder, deal, deal.next_step_date, RUNNING):
        return None
    title = gettext("Follow up: %(name)s", name=deal.name)
    return News("follow_up", title, deal.next_step, links.path(reminder))


def _close_date(session: Session, reminder: Reminder, deal: Opportunity, actor: Actor) -> News | None:
    if not _stands(reminder, deal, deal.expected_close_date, RUNNING) or deal.expected_close_date is None:
        return None
    title = gettext("Expected to close: %(name)s", name=deal.name)
    body = gettext("Expected close date: %(day)s", day=formats.day(deal.expected_close_date))
    return News("close_date", title, body, links.path(reminder))


def _stale(session: Session, reminder: Reminder, deal: Opportunity, actor: Actor) -> News | None:
    if not _stands(reminder, deal, deal.stage_entered_at, (StageCategory.OPEN,)):
        return None
    stayed = now() - deal.stage_entered_at + timedelta(seconds=deal.seconds_before_hold)
    title = gettext("No progress for %(days)s days: %(name)s", days=stayed.days, name=deal.name)
    return News("stale", title, gettext(deal.stage_now.name), links.path(reminder))


def _stands(reminder: Reminder, deal: Opportunity, occurrence: Any, categories: tuple[StageCategory, ...]) -> bool:
    """Whether it is still that owner's, that date's and of an open deal."""
    same = mornings.key_of(reminder.kind, deal.owner_id or 0, occurrence, deal.id) == reminder.key
    return same and deal.stage_now.category in categories


def _overdue(session: Session, reminder: Reminder, record: Any, actor: Actor) -> News | None:
    """A digest of all that is overdue by now, the oldest first; nothing if it was done meanwhile."""
    late = or_(Task.due_at < now(), Task.due_date < formats.today())
    mine = (Task.assignee_id == reminder.user_id, Task.status.in_(OPEN), access.visible(Task, actor))
    found = session.scalars(select(Task).where(*mine, late), execution_options=_ANY).all()
    tasks = sorted(found, key=lambda task: (_day(task), task.id))
    if not tasks:
        return None
    listed = tuple((task.title, _when(task), links.path(links.Link(name_of(Task), task.id))) for task in tasks)
    lines = [f"{title} ({when})" for title, when, _ in listed[:MOST_LISTED]]
    if len(tasks) > MOST_LISTED:
        lines.append(gettext("and %(count)s more", count=len(tasks) - MOST_LISTED))
    title = gettext("Overdue tasks: %(count)s", count=len(tasks))
    link = links.list_path(Task, assignee_id=reminder.user_id, overdue="true")
    return News("overdue", title, "\n".join(lines), link, listed[:MOST_MAILED])


def _day(task: Task) -> Any:
    return task.due_at.astimezone(formats.zone()).date() if task.due_at is not None else task.due_date


def _when(task: Task) -> str:
    return formats.moment(task.due_at) if task.due_at is not None else formats.day(_day(task))


_BY_KIND: dict[ReminderKind, Callable[[Session, Reminder, Any, Actor], News | None]] = {
    ReminderKind.CUSTOM: _of_task,
    ReminderKind.TASK: _of_task,
    ReminderKind.FOLLOW_UP: _follow_up,
    ReminderKind.CLOSE_DATE: _close_date,
    ReminderKind.STALE: _stale,
    ReminderKind.OVERDUE: _overdue,
}


# ---------------------------------------------------------------------------------------------- by mail


def _mail(session: Session, reminder: Reminder, user: User, *, key: str, address: str, zone: str) -> None:
    link = f"{address.rstrip('/')}{links.path(reminder)}" if address and reminder.record_type else ""
    values = {"subject": reminder.subject, "remind_at": reminder.remind_at, "link": link}
    mail = render("reminder", language=user.locale, zone=zone, **values, **dict(_details(session, reminder)))
    message = emails.queue(
        session,
        to=user.email,
        to_name=user.name,
        subject=i18n.translate(user.locale, SUBJECT, subject=reminder.subject),
        text=mail.text,
        html=mail.html,
        key=key,
        owner_id=user.id,
    )
    message.record_type, message.record_id = reminder.record_type, reminder.record_id


def _mail_digest(session: Session, news: News, user: User, *, key: str, address: str, zone: str) -> None:
    site = address.rstrip("/")
    rows = [{"title": title, "when": when, "link": site and f"{site}{path}"} for title, when, path in news.listed]
    values = {"title": news.title, "tasks": rows, "link": site and f"{site}{news.link}"}
    mail = render("overdue", language=user.locale, zone=zone, **values)
    emails.queue(
        session,
        to=user.email,
        to_name=user.name,
        subject=news.title,
        text=mail.text,
        html=mail.html,
        key=key,
        owner_id=user.id,
    )


def _details(session: Session, reminder: Reminder) -> Iterator[tuple[str, Any]]:
    """What the mail says of a task beyond its title."""
    task = None
    if reminder.record_type == name_of(Task):
        task = session.get(Task, reminder.record_id, execution_options=_ANY)
    for name in ("due_at", "due_date", "description"):
        yield name, getattr(task, name, None)
