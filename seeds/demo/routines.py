"""What goes on by itself in the demo: tasks that come again, reports by mail, reminders; and mail that was sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.email_message import EmailMessage, EmailPurpose, EmailState
from crm.models.interaction import Direction, Interaction, InteractionKind
from crm.models.opportunity import Opportunity
from crm.models.reminder import Channel, Reminder
from crm.models.schedule import Schedule
from crm.models.task_series import Recurrence, TaskSeries
from crm.services import records, reminders
from seeds.demo.people import Staff
from seeds.demo.words import REMINDERS, REPORTS, SERIES

_MAILS = 12
_REFUSED = {"state": EmailState.REFUSED, "smtp_code": 550, "smtp_reply": "5.1.1 No such user here", "sent_at": None}


def load_routines(session: Session, staff: Staff, moment: datetime) -> None:
    """Each once, whoever loads the demo data again."""
    known = set(session.scalars(select(Schedule.name)))
    for name, cron, zone in REPORTS:
        if name not in known:
            _report(session, staff, name, cron, zone)
    if session.scalar(select(TaskSeries.id).limit(1)) is None:
        _series(session, staff, moment)
        _reminders(session, staff, moment)
    _mails(session)


def _report(session: Session, staff: Staff, name: str, cron: str, zone: str) -> None:
    payload = {"report": "open_pipeline", "recipients": [staff.manager_id]}
    values = {"name": name, "kind": "report.mail", "payload": payload, "cron": cron, "timezone": zone}
    records.create(session, Schedule, values | {"owner_id": staff.manager_id})


def _series(session: Session, staff: Staff, moment: datetime) -> None:
    """Work of the sales person who can sign in, beginning with the next working day."""
    customer = session.scalar(select(Customer.id).where(Customer.owner_id == staff.demo.user_id).limit(1))
    start = (moment + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
    for title, rrule, mode, steps in SERIES:
        link = {"record_type": "customer", "record_id": customer} if steps and customer else {}
        values: dict[str, Any] = {
            "title": title,
            "rrule": rrule,
            "recurrence": Recurrence(mode),
            "starts_at": start,
            "timezone": "Europe/Berlin",
            "assignee_id": staff.demo.user_id,
            "team_id": staff.demo.team_id,
            "checklist": [{"text": step, "done": False} for step in steps],
            "reminder_offsets": [30],
        }
        records.create(session, TaskSeries, values | link)


def _reminders(session: Session, staff: Staff, moment: datetime) -> None:
    mine = select(Opportunity.id).where(Opportunity.owner_id == staff.demo.user_id, Opportunity.closed_at.is_(None))
    deals = session.scalars(mine.order_by(Opportunity.id.desc()).limit(len(REMINDERS))).all()
    for place, (subject, deal) in enumerate(zip(REMINDERS, deals, strict=False)):
        at = (moment + timedelta(days=place + 1)).replace(hour=9, minute=0, second=0, microsecond=0)
        link = {"record_type": "opportunity", "record_id": deal}
        made = Reminder(subject=subject, user_id=staff.demo.user_id, remind_at=at, channel=Channel.APP, **link)
        made.key = reminders.key_of(made)
        session.add(made)
    session.flush()


def _mails(session: Session) -> None:
    """What the newest entries about mail tell of; one came back.  Nothing of it is sent."""
    outbound = (Interaction.kind == InteractionKind.EMAIL, Interaction.direction == Direction.OUTBOUND)
    found = select(Interaction, Contact).join(Contact, Contact.id == Interaction.contact_id)
    found = found.where(*outbound, Contact.email != "", ~Contact.do_not_contact)
    rows = session.execute(found.order_by(Interaction.occurred_at.desc(), Interaction.id).limit(_MAILS)).all()
    known = set(session.scalars(select(EmailMessage.key)))
    told = [_mail(entry, contact, came_back=place == 1) for place, (entry, contact) in enumerate(rows)]
    session.add_all(mail for mail in reversed(told) if mail.key not in known)  # the oldest has the smallest number
    session.flush()


def _mail(entry: Interaction, contact: Contact, *, came_back: bool) -> EmailMessage:
    moment = entry.occurred_at
    fate = {"state": EmailState.CAPTURED, "sent_at": moment, "smtp_code": None, "smtp_reply": ""}
    return EmailMessage(
        key=f"demo:{entry.id}",
        message_id=f"<demo-{entry.id}@demo.example>",
        to_address=contact.email,
        to_name=contact.name,
        subject=entry.subject,
        text_body=entry.body,
        purpose=EmailPurpose.BUSINESS,
        owner_id=entry.owner_id,
        contact_id=contact.id,
        interaction_id=entry.id,
        record_type="customer",
        record_id=entry.customer_id,
        attempts=1,
        created_at=moment,
        updated_at=moment,
        **(_REFUSED if came_back else fate),
    )
