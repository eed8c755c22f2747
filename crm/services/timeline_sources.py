"""What a timeline is made of: for each source the rows that concern a customer, a contact or a deal, as entries.

Another source is one more entry of `SOURCES`; its select needs an index that begins with the link.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Row, Select, String, Subquery, and_, exists, func, literal, or_, select, union_all

from crm.entity import name_of
from crm.models.attachment import Attachment
from crm.models.audit_entry import AuditEntry
from crm.models.contact import Contact
from crm.models.email_message import EmailMessage
from crm.models.interaction import Interaction
from crm.models.opportunity import Opportunity
from crm.models.opportunity_history import OpportunityHistory
from crm.models.status_history import StatusHistory
from crm.models.task import Task
from crm.names import camel
from crm.services.timeline_entries import Entry, Source, Subject

_LONGEST_TEXT = 2000
_MAIL = tuple(
    getattr(EmailMessage, name)
    for name in (
        *("id", "created_at", "state", "subject", "owner_id"),
        *("created_by", "to_address", "purpose", "contact_id"),
    )
)


def _linked_to(subject: Subject) -> Subquery:
    """(type, id) of the subject and, for a customer, of its people and deals: those the reader sees, and live ones."""
    own = select(literal(subject.entity, String).label("type"), literal(subject.id).label("id"))
    if subject.entity != "customer":
        return own.subquery("links")
    below = [
        select(literal(name_of(model), String).label("type"), model.id.label("id")).where(
            model.customer_id == subject.id
        )
        for model in (Contact, Opportunity)
    ]
    return union_all(own, *below).subquery("links")


def _about(subject: Subject, model: type[Any], *columns: Any) -> Select[Any]:
    """Rows of `model`, or these columns of them, that point at the subject or at what hangs on it."""
    links = _linked_to(subject)
    here = and_(model.record_type == links.c.type, model.record_id == links.c.id)
    return select(*(columns or (model,))).join_from(model, links, here)


# ---------------------------------------------------------------------------------------------- interactions


def _interactions(subject: Subject) -> Select[Any]:
    return select(Interaction).where(getattr(Interaction, f"{subject.entity}_id") == subject.id)


def _interaction(row: Row[Any]) -> Entry:
    one: Interaction = row[0]
    about = ("opportunity", one.opportunity_id) if one.opportunity_id else ("contact", one.contact_id)
    return Entry(
        *(one.id, one.occurred_at, str(one.kind), one.subject, one.body[:_LONGEST_TEXT]),
        user_id=one.owner_id or one.created_by,
        record_type=about[0] if about[1] else None,
        record_id=about[1],
        details={
            "direction": str(one.direction),
            "durationMinutes": one.duration_minutes,
            "outcome": one.outcome,
            "customerId": one.customer_id,
            "contactId": one.contact_id,
            "opportunityId": one.opportunity_id,
        },
    )


# ---------------------------------------------------------------------------------------------- tasks


def _task(event: str, row: Row[Any]) -> Entry:
    task: Task = row[0]
    is_done = event == "completed" and task.completed_at is not None
    return Entry(
        task.id,
        task.completed_at if is_done and task.completed_at else task.created_at,
        event,
        task.title,
        user_id=task.assignee_id if is_done else task.created_by,
        record_type="task",
        record_id=task.id,
        details={
            "status": str(task.status),
            "dueAt": task.due_at,
            "dueDate": task.due_date,
            "assigneeId": task.assignee_id,
            "linkedType": task.record_type,
            "linkedId": task.record_id,
        },
    )


# ---------------------------------------------------------------------------------------------- deals


def _deal_changes(subject: Subject) -> Select[Any]:
    if subject.entity == "opportunity":
        return select(OpportunityHistory).where(OpportunityHistory.opportunity_id == subject.id)
    link = getattr(Opportunity, f"{subject.entity}_id")
    return select(OpportunityHistory).join(OpportunityHistory.opportunity).where(link == subject.id)


def _deal(row: Row[Any]) -> Entry:
    change: OpportunityHistory = row[0]
    return Entry(
        *(change.id, change.created_at, str(change.change)),
        user_id=change.changed_by,
        record_type="opportunity",
        record_id=change.opportunity_id,
        details={"before": change.before, "after": change.after, "secondsInStage": change.seconds_in_stage},
    )


# ---------------------------------------------------------------------------------------------- files and mail


def _files(subject: Subject) -> Select[Any]:
    names = ("id", "created_at", "name", "description", "created_by", "owner_id", "media_type", "size")
    columns = [getattr(Attachment, name) for name in (*names, "record_type", "record_id")]
    return _about(subject, Attachment, *columns)


def _file(file: Row[Any]) -> Entry:
    linked = {"linkedType": file.record_type, "linkedId": file.record_id}
    return Entry(
        *(file.id, file.created_at, "added", file.name, file.description),
        user_id=file.created_by or file.owner_id,
        record_type="attachment",
        record_id=file.id,
        details={"mediaType": file.media_type, "size": file.size, **linked},
    )


def _mail(subject: Subject) -> Select[Any]:
    """Mail that became an interaction is told by the interaction."""
    return _about(subject, EmailMessage, *_MAIL).where(EmailMessage.interaction_id.is_(None))


def _mail_to_people(subject: Subject) -> Select[Any] | None:
    """Mail to the people of the subject that is not linked to it otherwise; for a person, copies they got as well."""
    if subject.entity == "opportunity":
        return None
    links = _linked_to(subject)
    told = exists().where(links.c.type == EmailMessage.record_type, links.c.id == EmailMessage.record_id)
    to_them = EmailMessage.contact_id == subject.id
    if subject.entity == "customer":
        people = select(Contact.id).where(Contact.customer_id == subject.id)
        to_them = EmailMessage.contact_id.in_(people)
    elsewhere = or_(EmailMessage.record_type.is_(None), ~told)
    shown = and_(EmailMessage.interaction_id.is_(None), elsewhere)
    if subject.entity == "contact":
        shown = or_(shown, EmailMessage.copy_of_id.is_not(None))
    return select(*_MAIL).where(to_them, shown)


def _email(mail: Row[Any]) -> Entry:
    return Entry(
        *(mail.id, mail.created_at, str(mail.state), mail.subject),
        user_id=mail.owner_id or mail.created_by,
        record_type="email_message",
        record_id=mail.id,
        details={"to": mail.to_address, "purpose": str(mail.purpose), "contactId": mail.contact_id},
    )


# ---------------------------------------------------------------------------------------------- status and changes


def _statuses(subject: Subject) -> Select[Any] | None:
    mine = subject.entity == "customer"
    return select(StatusHistory).where(StatusHistory.customer_id == subject.id) if mine else None


def _status(row: Row[Any]) -> Entry:
    change: StatusHistory = row[0]
    before = str(change.before) if change.before else None
    told = {"before": before, "after": str(change.after), "secondsInStatus": change.seconds_in_status}
    return Entry(
        *(change.id, change.created_at, str(change.after), "", change.reason),
        user_id=change.changed_by,
        details=told,
    )


def _changes(subject: Subject) -> Select[Any]:
    return select(AuditEntry).where(AuditEntry.entity == subject.entity, AuditEntry.record_id == subject.id)


def _change(row: Row[Any]) -> Entry:
    """Names of fields, never their values."""
    entry: AuditEntry = row[0]
    return Entry(
        *(entry.id, entry.created_at, entry.action),
        user_id=entry.actor_id,
        user_name=entry.actor_name,
        details={"fields": sorted(camel(name) for name in entry.changes)},
    )


def _about_task(subject: Subject) -> Select[Any]:
    return _about(subject, Task)


def _done(subject: Subject) -> Select[Any]:
    return _about(subject, Task).where(Task.completed_at.is_not(None))


def _by_link(at: Any) -> Any:
    """An instant that no index knows: few rows hang on a link, and to look for them along all of time, as a planner
    likes to where there is a limit, may read a whole table.
    """
    return func.coalesce(at, at)


SOURCES: tuple[Source, ...] = (
    Source("interaction", "interaction", Interaction, Interaction.occurred_at, _interactions, _interaction),
    Source("task", "task", Task, _by_link(Task.created_at), _about_task, partial(_task, "created")),
    Source("task.completed", "task", Task, _by_link(Task.completed_at), _done, partial(_task, "completed")),
    Source("deal", "deal", OpportunityHistory, _by_link(OpportunityHistory.created_at), _deal_changes, _deal),
    Source("file", "file", Attachment, _by_link(Attachment.created_at), _files, _file),
    Source("email", "email", EmailMessage, _by_link(EmailMessage.created_at), _mail, _email),
    Source("email.contact", "email", EmailMessage, _by_link(EmailMessage.created_at), _mail_to_people, _email),
    Source("status", "status", StatusHistory, _by_link(StatusHistory.created_at), _statuses, _status),
    Source("change", "change", AuditEntry, _by_link(AuditEntry.created_at), _changes, _change),
)
