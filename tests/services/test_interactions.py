"""Interactions: links that agree, nothing that has not happened yet, and the last activity of the deal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.actor import system
from crm.columns import now
from crm.db import CrmSession, Database
from crm.errors import BadInput
from crm.models import Contact, Customer, Interaction, Opportunity
from crm.models.interaction import InteractionKind
from crm.services import records
from tests import factories


def _note(session: CrmSession, **values: Any) -> Interaction:
    made: Interaction = records.create(session, Interaction, {"subject": "Talked", **values})
    return made


def _company(session: CrmSession) -> Customer:
    made: Customer = records.create(session, Customer, {"name": "Company"})
    return made


def _deal(session: CrmSession, **values: Any) -> Opportunity:
    factories.default_pipeline(session)
    made: Opportunity = records.create(session, Opportunity, {"name": "Deal", **values})
    return made


def test_the_customer_follows_from_the_person(database: Database) -> None:
    with database.transaction(system("test")) as session:
        company = _company(session)
        person = records.create(session, Contact, {"name": "Ann", "customer_id": company.id})
        assert _note(session, contact_id=person.id).customer_id == company.id
        note = _note(session)
        records.update(session, note, {"contact_id": person.id})
        assert note.customer_id == company.id


def test_the_customer_follows_from_the_deal_before_the_person(database: Database) -> None:
    with database.transaction(system("test")) as session:
        company, partner = _company(session), _company(session)
        consultant = records.create(session, Contact, {"name": "Bo", "customer_id": partner.id})
        deal = _deal(session, customer_id=company.id)
        note = _note(session, contact_id=consultant.id, opportunity_id=deal.id)
        assert (note.customer_id, note.contact_id) == (company.id, consultant.id)


def test_a_deal_of_another_customer_is_refused(database: Database) -> None:
    with database.transaction(system("test")) as session:
        company, other = _company(session), _company(session)
        deal = _deal(session, customer_id=company.id)
        with pytest.raises(BadInput, match="opportunityId: must be a deal of the same customer"):
            _note(session, customer_id=other.id, opportunity_id=deal.id)


def test_a_deal_without_customer_goes_with_any(database: Database) -> None:
    with database.transaction(system("test")) as session:
        company = _company(session)
        assert _note(session, customer_id=company.id, opportunity_id=_deal(session).id).customer_id == company.id


@pytest.mark.parametrize("kind", list(InteractionKind))
def test_only_meetings_and_visits_lie_in_the_future(database: Database, kind: InteractionKind) -> None:
    with database.transaction(system("test")) as session:
        next_week, soon = now() + timedelta(days=7), now() + timedelta(hours=20)
        assert _note(session, kind=kind, occurred_at=soon).occurred_at == soon
        if kind in (InteractionKind.MEETING, InteractionKind.VISIT):
            planned = _note(session, kind=kind, occurred_at=next_week)
            with pytest.raises(BadInput, match="occurredAt: lies in the future"), session.begin_nested():
                records.update(session, planned, {"kind": InteractionKind.CALL})
        else:
            with pytest.raises(BadInput, match="occurredAt: lies in the future"), session.begin_nested():
                _note(session, kind=kind, occurred_at=next_week)


def test_the_last_activity_of_the_deal_is_raised_and_never_goes_back(database: Database) -> None:
    with database.transaction(system("test")) as session:
        deal = _deal(session)
        deal.last_activity_at = now() - timedelta(days=30)
        session.flush()
        version = deal.version
        yesterday = now() - timedelta(days=1)
        note = _note(session, opportunity_id=deal.id, occurred_at=yesterday)
        assert deal.last_activity_at == yesterday
        _note(session, opportunity_id=deal.id, occurred_at=yesterday - timedelta(days=3))
        assert deal.last_activity_at == yesterday
        later = yesterday + timedelta(hours=1)
        records.update(session, note, {"occurred_at": later})
        assert deal.last_activity_at == later
        _note(session, opportunity_id=deal.id, kind=InteractionKind.MEETING, occurred_at=now() + timedelta(days=9))
        assert deal.last_activity_at == later
        assert deal.version == version
