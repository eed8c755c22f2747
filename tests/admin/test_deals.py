"""The page of a deal: its verbs asked with the right inputs, its lines with their sum."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from crm.actor import Scope
from crm.columns import now
from crm.formats import today
from crm.models import AuditEntry, Opportunity, OpportunityLine
from crm.services import records
from tests.services.sales import department

AsSystem = Callable[[], Any]


@pytest.fixture
def shop(as_system: AsSystem) -> dict[str, int]:
    """Numbers: a deal at Prospecting, every stage, a product, reasons."""
    with as_system() as session:
        made = department(session)
        found = {f"stage {name}": stage.id for name, stage in made.stages.items()}
        found |= {f"reason {name}": reason.id for name, reason in made.reasons.items()}
        return {"deal": made.deal().id, "licence": made.products["Licence"].id, **found}


def deal(as_system: AsSystem, key: int) -> Opportunity:
    with as_system() as session:
        found: Opportunity = session.get_one(Opportunity, key)
        assert found.stage.name
        session.expunge_all()
        return found


def values(page: str, name: str) -> list[str]:
    """The options of a select."""
    select_tag = re.search(rf'<select[^>]*name="{name}"[^>]*>(.*?)</select>', page, re.S)
    assert select_tag is not None
    return re.findall(r'value="([^"]*)"', select_tag[1])


def test_move_offers_the_other_open_stages_and_notices_who_was_faster(
    admin: Any, as_system: AsSystem, shop: dict[str, int]
) -> None:
    path = f"/opportunity/do/{shop['deal']}/move"
    names = ("Qualification", "Proposal", "Waiting")
    assert values(admin.page(path), "stage_id") == [str(shop[f"stage {name}"]) for name in names]
    form = admin.form(path)
    assert form["stage_id"] == str(shop["stage Qualification"])  # the next one
    assert form["from_stage_id"] == str(shop["stage Prospecting"])
    assert form["probability_override"] == ""
    moved = admin.post(path, form | {"stage_id": str(shop["stage Proposal"]), "probability_override": "30 %"})
    assert moved.status_code == 303
    assert deal(as_system, shop["deal"]).probability_override == Decimal("0.3")
    late = admin.post(path, form | {"stage_id": str(shop["stage Qualification"])})
    assert late.status_code == 409
    assert "Somebody else has moved the deal to Proposal meanwhile" in late.text


def test_what_a_stage_asks_for_is_named_by_the_labels_of_the_fields(
    admin: Any, as_system: AsSystem, shop: dict[str, int]
) -> None:
    with as_system() as session:
        stage = session.get_one(Opportunity, shop["deal"]).pipeline.stages[2]
        stage.required_fields = ["amount", "expectedCloseDate"]
    path = f"/opportunity/do/{shop['deal']}/move"
    refused = admin.post(path, admin.form(path) | {"stage_id": str(shop["stage Proposal"])})
    assert refused.status_code == 400
    assert "Amount: is needed in the stage Proposal · Close date: is needed in the stage Proposal" in refused.text
    edit = f"/opportunity/edit/{shop['deal']}"
    refused = admin.post(edit, admin.form(edit) | {"stage_id": str(shop["stage Proposal"])})
    assert refused.text.count("is needed in the stage Proposal") == 2


def test_win_begins_with_the_amount_and_reads_moments_in_the_visitors_zone(
    admin: Any, as_system: AsSystem, shop: dict[str, int]
) -> None:
    path = f"/opportunity/do/{shop['deal']}/win"
    refused = admin.post(path, admin.form(path))
    assert "is needed for a won deal" in refused.text
    with as_system() as session:
        found = session.get_one(Opportunity, shop["deal"])
        found.amount, found.stage_entered_at = Decimal("12.5"), now() - timedelta(days=9)
    form = admin.form(path)
    assert (form["amount"], form["closed_at"]) == ("12.50", "")
    moment = (now() - timedelta(days=2)).replace(second=0, microsecond=0)
    assert admin.post(path, form | {"closed_at": f"{moment:%Y-%m-%d %H:%M}"}).status_code == 303
    won = deal(as_system, shop["deal"])
    assert (won.stage.name, won.closed_at, won.amount_by_hand) == ("Won", moment, False)
    assert "The deal has been won already" in admin.post(path, form).text
    with as_system() as session:
        told = select(AuditEntry.action).where(AuditEntry.entity == "opportunity").order_by(AuditEntry.id.desc())
        assert session.scalars(told).first() == "win"


def test_lose_offers_the_reasons_in_use_and_reopen_knows_the_way_back(
    admin: Any, as_system: AsSystem, shop: dict[str, int]
) -> None:
    path = f"/opportunity/do/{shop['deal']}/lose"
    page = admin.page(path)
    assert values(page, "lost_reason_id") == ["", str(shop["reason Other"]), str(shop["reason Price"])]
    assert "Other (with a note)" in page
    refused = admin.post(path, {"lost_reason_id": str(shop["reason Other"]), "lost_notes": ""})
    assert "is needed with this reason" in refused.text
    assert admin.post(path, {"lost_reason_id": str(shop["reason Price"])}).status_code == 303
    page = admin.page(f"/opportunity/details/{shop['deal']}")
    assert f"/do/{shop['deal']}/reopen" in page
    assert f"/do/{shop['deal']}/win" not in page
    assert admin.post(f"/opportunity/do/{shop['deal']}/reopen").status_code == 303
    assert deal(as_system, shop["deal"]).stage.name == "Prospecting"


def test_colleagues_are_offered_in_the_note_on_a_lost_deal(admin: Any, shop: dict[str, int]) -> None:
    page = admin.page(f"/opportunity/do/{shop['deal']}/lose")
    assert re.search(r'<textarea[^>]*data-mentions="/admin/mentions"[^>]*name="lost_notes"', page)


def test_lines_are_added_changed_and_removed_from_the_deals_page(
    admin: Any, as_system: AsSystem, shop: dict[str, int]
) -> None:
    here = f"/opportunity/details/{shop['deal']}"
    [adding] = re.findall(r'href="/admin(/opportunity-line/create[^"]*)"', admin.page(here))
    form = admin.form(adding)
    assert form["opportunity_id"] == str(shop["deal"])
    refused = admin.post(adding, form)
    assert refused.status_code == 400
    saved = admin.post(adding, form | {"product_id": str(shop["licence"]), "quantity": "3"})
    assert saved.headers["location"] == f"/admin{here}"
    page = admin.page(here)
    assert "The amount follows the lines." in page
    assert "$299.97" in page
    [editing] = set(re.findall(r'href="/admin(/opportunity-line/edit[^"]*)"', page))
    saved = admin.post(editing, admin.form(editing) | {"discount": "0.5"})
    assert saved.headers["location"] == f"/admin{here}"
    assert deal(as_system, shop["deal"]).amount == Decimal("149.99")
    [removing] = re.findall(r'action="/admin(/opportunity-line/delete[^"]*)"', admin.page(here))
    assert admin.post(removing).headers["location"] == f"/admin{here}"
    assert deal(as_system, shop["deal"]).amount is None


def test_the_page_says_that_the_amount_was_typed_and_lets_it_follow(
    admin: Any, as_system: AsSystem, shop: dict[str, int]
) -> None:
    with as_system() as session:
        line = OpportunityLine(opportunity_id=shop["deal"], name="x", unit_price=Decimal(5), total=Decimal(5))
        session.add(line)
        found = session.get_one(Opportunity, shop["deal"])
        found.amount, found.amount_by_hand = Decimal(900), True
    page = admin.page(f"/opportunity/details/{shop['deal']}")
    assert "The amount was typed: $900." in page
    assert admin.post(f"/opportunity/do/{shop['deal']}/follow_lines").status_code == 303
    assert deal(as_system, shop["deal"]).amount == 5


def test_the_history_is_told_in_sums_and_durations(admin: Any, as_system: AsSystem, shop: dict[str, int]) -> None:
    with as_system() as session:
        records.update(session, session.get_one(Opportunity, shop["deal"]), {"amount": Decimal("1234.50")})
    page = admin.page(f"/opportunity/details/{shop['deal']}")
    assert "1234.50" not in page
    assert "1,234.50" in page
    assert "Time in stage<" in page


@pytest.mark.parametrize("wrong", ["%", "abc %", "1e999999 %"])
def test_a_share_that_makes_no_sense_is_refused(admin: Any, shop: dict[str, int], wrong: str) -> None:
    path = f"/opportunity/do/{shop['deal']}/move"
    assert admin.post(path, admin.form(path) | {"probability_override": wrong}).status_code == 400


def test_overdue_and_stale_are_said_on_the_page(admin: Any, as_system: AsSystem, shop: dict[str, int]) -> None:
    here = f"/opportunity/details/{shop['deal']}"
    assert "days are expected" not in admin.page(here)
    with as_system() as session:
        found = session.get_one(Opportunity, shop["deal"])
        found.stage_entered_at = now() - timedelta(days=22)
        found.expected_close_date = today() - timedelta(days=3)
    page = admin.page(here)
    assert "It has been in this stage for 22 days; 14 are expected." in page
    assert "It was expected to close on" in page


def test_who_may_only_look_sees_lines_without_tools(
    visitor: Callable[..., Any], as_system: AsSystem, shop: dict[str, int]
) -> None:
    with as_system() as session:
        session.add(
            OpportunityLine(opportunity_id=shop["deal"], name="A thing", unit_price=Decimal(5), total=Decimal(5))
        )
    looking = visitor(view_opportunities=Scope.ALL, view_opportunity_lines=Scope.ALL)
    page = looking.page(f"/opportunity/details/{shop['deal']}")
    assert "A thing" in page
    assert "/opportunity-line/create" not in page
    assert "/opportunity-line/delete" not in page
    blind = visitor(view_opportunities=Scope.ALL)
    assert "A thing" not in blind.page(f"/opportunity/details/{shop['deal']}")


def test_the_form_is_no_way_round_the_right_to_win(
    visitor: Callable[..., Any], as_system: AsSystem, shop: dict[str, int]
) -> None:
    everywhere = dict.fromkeys(("view_opportunities", "view_stages", "update_opportunity"), Scope.ALL)
    edit, editor = f"/opportunity/edit/{shop['deal']}", visitor(**everywhere)
    won = {"stage_id": str(shop["stage Won"]), "amount": "5"}
    assert editor.post(edit, editor.form(edit) | won).status_code == 403
    assert deal(as_system, shop["deal"]).stage.name == "Prospecting"
    seller = visitor(**everywhere, win_opportunity=Scope.ALL)
    assert seller.post(edit, seller.form(edit) | won).status_code == 303
    assert deal(as_system, shop["deal"]).stage.name == "Won"
