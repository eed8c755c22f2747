"""The timeline: everything that happened with a record, newest first, as far as its reader may see it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from crm.actor import Actor, Scope, system
from crm.columns import now
from crm.db import CrmSession, Database
from crm.errors import BadInput, Forbidden, NotFound
from crm.models import Attachment, Contact, Customer, EmailMessage, Interaction, Opportunity, Task
from crm.models.customer import CustomerStatus
from crm.models.email_message import EmailState
from crm.models.interaction import InteractionKind
from crm.services import customers, records, timeline
from crm.services.timeline_entries import Entry
from crm.services.timeline_sources import SOURCES
from tests import factories

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _company(session: CrmSession, **values: Any) -> Customer:
    made: Customer = records.create(session, Customer, {"name": "Acme", **values})
    return made


def _note(session: CrmSession, company: Customer, at: datetime = MONDAY, **values: Any) -> Interaction:
    sent = {"subject": "Talked", "customer_id": company.id, "occurred_at": at, **values}
    made: Interaction = records.create(session, Interaction, sent)
    return made


def _mail(session: CrmSession, **values: Any) -> EmailMessage:
    number = next(factories._numbers)
    given = {"key": f"k{number}", "message_id": f"m{number}", "to_address": "li@example.com", "subject": "Offer"}
    made = EmailMessage(**given, state=EmailState.SENT, **values)
    session.add(made)
    session.flush()
    return made


def _file(session: CrmSession, **values: Any) -> Attachment:
    made = Attachment(name="offer.pdf", sha256="0" * 64, media_type="application/pdf", size=9, **values)
    session.add(made)
    session.flush()
    return made


def _all(session: CrmSession, record: Any, **asked: Any) -> list[Entry]:
    found: list[Entry] = []
    after = None
    while True:
        entries, after = timeline.page(session, type(record), record.id, after=after, **asked)
        found += entries
        if after is None:
            return found


def _told(entries: list[Entry]) -> list[tuple[str, str, str]]:
    return [(entry.kind, entry.event, entry.title) for entry in entries]


def test_every_kind_of_thing_stands_on_the_timeline(database: Database) -> None:
    with database.transaction(system("test")) as session:
        factories.default_pipeline(session)
        company = _company(session)
        person = records.create(session, Contact, {"name": "Ann", "customer_id": company.id})
        deal = records.create(session, Opportunity, {"name": "Deal", "customer_id": company.id})
        _note(session, company, kind=InteractionKind.CALL, contact_id=person.id, body="Long")
        task: Any = None
        for number, record in enumerate((company, person, deal)):
            link = {"record_type": type(record).__tablename__, "record_id": record.id}
            task = records.create(session, Task, {"title": f"Task {number}", **link})
            _file(session, **link)
            _mail(session, **link)
        task.completed_at = now()
        _mail(session, contact_id=person.id)
        customers.set_status(session, company, status=CustomerStatus.ACTIVE)
        records.update(session, company, {"city": "Berlin"})
        found = _all(session, company)
        assert sorted({(e.kind, e.event) for e in found}) == [
            ("change", "create"),
            ("change", "update"),
            ("deal", "created"),
            ("email", "sent"),
            ("file", "added"),
            ("interaction", "call"),
            ("status", "active"),
            ("status", "prospect"),
            ("task", "completed"),
            ("task", "created"),
        ]
        count = {kind: len([e for e in found if e.kind == kind]) for kind in timeline.KINDS}
        assert count == {"interaction": 1, "task": 4, "deal": 1, "file": 3, "email": 4, "status": 2, "change": 3}
        assert [e.at for e in found] == sorted((e.at for e in found), reverse=True)
        note = next(e for e in found if e.kind == "interaction")
        assert (note.title, note.text, note.record_type, note.record_name) == ("Talked", "Long", "contact", "Ann")
        assert len(_all(session, person, kinds=("task", "file", "email", "interaction"))) == 5
        assert {e.kind for e in _all(session, deal)} == {"task", "file", "email", "deal", "change"}


def test_mail_to_a_person_is_told_once_and_not_again_beside_its_interaction(database: Database) -> None:
    with database.transaction(system("test")) as session:
        company = _company(session)
        person = records.create(session, Contact, {"name": "Ann", "customer_id": company.id})
        note = _note(session, company, kind=InteractionKind.EMAIL)
        _mail(session, contact_id=person.id, record_type="customer", record_id=company.id)
        _mail(session, contact_id=person.id, interaction_id=note.id)
        _mail(session, contact_id=person.id, record_type="product", record_id=1)
        assert len(_all(session, company, kinds=("email",))) == 2
        assert len(_all(session, person, kinds=("email",))) == 3 - 1


def test_changes_name_their_fields_and_no_value(database: Database) -> None:
    with database.transaction(system("test")) as session:
        company = _company(session)
        records.update(session, company, {"description": "Secret plans", "legal_name": "Acme Ltd"})
        newest = _all(session, company, kinds=("change",))[0]
        assert newest.details == {"fields": ["description", "legalName"]}
        assert "Secret" not in repr(newest)


def test_what_lies_in_the_trash_is_left_out(database: Database) -> None:
    with database.transaction(system("test")) as session:
        company = _company(session)
        kept, gone = _note(session, company), _note(session, company)
        person = records.create(session, Contact, {"name": "Ann", "customer_id": company.id})
        records.create(session, Task, {"title": "Call", "record_type": "contact", "record_id": person.id})
        gone.deleted_at = person.deleted_at = now()
        session.flush()
        found = _all(session, company, kinds=("interaction", "task"))
        assert [(e.kind, e.id) for e in found] == [("interaction", kept.id)]


def test_each_source_is_as_wide_as_its_permission(database: Database) -> None:
    with database.transaction(system("test")) as session:
        agent, other = factories.user(session), factories.user(session)
        company = _company(session, owner_id=agent.id)
        mine = _note(session, company, owner_id=agent.id)
        _note(session, company, owner_id=other.id)
        records.create(session, Task, {"title": "T", "record_type": "customer", "record_id": company.id})
        foreign = _company(session, owner_id=other.id)
        keys, actor_id = (company.id, foreign.id, mine.id), agent.id
    grants = {"view_customers": Scope.OWN, "view_interactions": Scope.OWN, "view_status_histories": Scope.OWN}
    with database.read_only(Actor(actor_id, "agent", grants)) as session:
        found, _ = timeline.page(session, Customer, keys[0])
        assert sorted((e.kind, e.id) for e in found if e.kind != "status") == [("interaction", keys[2])]
        assert {e.kind for e in found} == {"interaction", "status"}
        assert {e.user_name for e in found if e.kind == "interaction"} == {""}
        with pytest.raises(NotFound):
            timeline.page(session, Customer, keys[1])
        with pytest.raises(Forbidden):
            timeline.page(session, Opportunity, 1)


def test_equal_instants_are_neither_lost_nor_doubled_while_others_come_in(database: Database) -> None:
    with database.transaction(system("test")) as session:
        company = _company(session)
        for _ in range(7):
            _note(session, company)
            task = records.create(session, Task, {"title": "T", "record_type": "customer", "record_id": company.id})
            task.created_at = task.completed_at = MONDAY
        session.flush()
        asked: dict[str, Any] = {"kinds": ("interaction", "task"), "size": 2}
        everything = [(e.source, e.id) for e in _all(session, company, **asked)]
        assert len(everything) == len(set(everything)) == 21
        seen: list[tuple[str, int]] = []
        after = None
        while True:
            entries, after = timeline.page(session, Customer, company.id, after=after, **asked)
            seen += [(e.source, e.id) for e in entries]
            _note(session, company, MONDAY + timedelta(days=1))
            if after is None:
                break
        assert seen == everything


def test_an_unknown_kind_is_named(database: Database) -> None:
    with database.transaction(system("test")) as session:
        key = _company(session).id
        with pytest.raises(BadInput, match="kinds: gossip is not one of: interaction, task"):
            timeline.page(session, Customer, key, kinds=("gossip",))


def test_a_page_costs_one_select_a_source_however_deep_it_lies(database: Database) -> None:
    with database.transaction(system("test")) as session:
        company = _company(session)
        for number in range(60):
            _note(session, company, MONDAY + timedelta(hours=number))
        statements: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", lambda *a: statements.append(a[2]))
        costs, after = [], None
        for _ in range(5):
            statements.clear()
            _, after = timeline.page(session, Customer, company.id, after=after, size=10)
            costs.append(len(statements))
        assert max(costs) <= len(SOURCES) + 2
