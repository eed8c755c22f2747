"""The loader of the public data set: a small one with every kind of broken row, and the real one where it is there."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from crm.actor import system
from crm.db import CrmSession, Database
from crm.errors import BadInput
from crm.models import Customer, LostReason, Opportunity, OpportunityHistory, Pipeline, Product, Team, User
from crm.search_text import matches
from seeds import dataset

ACCOUNTS = """account,revenue,employees
Acme,14.79,26.0
大华贸易,,
acme,1.0,1.0
Broken,much,1.0
Broken,1.0
"Broken,1.0,1.0
"""
PRODUCTS = "product,sales_price\nGTXBasic,641.0\nMG Special,\n"
TEAMS = "sales_agent,manager,regional_office\nAnn Lee,Mary Major,West\nBob Ray,Mary Major,West\nCy Orr,Max Low,East\n"
HEAD = "account,opportunity_id,sales_agent,deal_stage,product,close_date,close_value,created_on"
GOOD = (
    "Acme,WON1,Ann Lee,Won,GTXBasic,2017-05-06,500.5,2017-04-24",
    "大华贸易,WON2,Bob Ray,won,gtxbasic,2017-05-06,,2017-05-06",
    ",LOST1,Cy Orr,Lost,MG Special,2017-08-03,0.0,2017-05-19",
    " ACME ,OPEN1,ann lee,In_Progress,GTXBasic,,,2017-06-15",
)
BROKEN = {
    "Nobody,X1,Ann Lee,Won,GTXBasic,2017-05-06,5,2017-04-24": "the account 'Nobody' is not in accounts.csv.",
    "Acme,X2,Zoe,Won,GTXBasic,2017-05-06,5,2017-04-24": "the agent 'Zoe' is not in sales_teams.csv.",
    "Acme,X3,Ann Lee,Won,GTX,2017-05-06,5,2017-04-24": "the product 'GTX' is not in products.csv.",
    "Acme,X4,Ann Lee,Gone,GTXBasic,,,2017-04-24": "the stage 'Gone' is not one of Won, Lost, In_Progress.",
    "Acme,X5,Ann Lee,Won,GTXBasic,2017-13-06,5,2017-04-24": "close_date '2017-13-06' is not a date such as 2017-05-06.",
    "Acme,X6,Ann Lee,Won,GTXBasic,,5,2017-04-24": "the close date is missing.",
    "Acme,X7,Ann Lee,In_Progress,GTXBasic,2017-05-06,,2017-04-24": "an open deal has no close date.",
    "Acme,X8,Ann Lee,Won,GTXBasic,2017-04-23,5,2017-04-24": "the deal is closed before it is created.",
    "Acme,X9,Ann Lee,Won,GTXBasic,2017-05-06,five,2017-04-24": "close_value 'five' is not a number.",
    "Acme,X10,Ann Lee,Won,GTXBasic,2017-05-06,NaN,2017-04-24": "close_value 'NaN' is not an amount.",
    "Acme,X11,Ann Lee,Won,GTXBasic,2017-05-06,-5,2017-04-24": "close_value '-5' is not an amount.",
    "Acme,X12,Ann Lee,Won,GTXBasic,2017-05-06,5,": "created_on is missing.",
    "Acme,,Ann Lee,Won,GTXBasic,2017-05-06,5,2017-04-24": "opportunity_id is missing.",
    "Acme,WON1,Ann Lee,Won,GTXBasic,2017-05-06,5,2017-04-24": "'WON1' occurs twice.",
    "Acme,X13,Ann Lee,Won": "it has 4 cells where the head has 8.",
    "Acme;X16;Ann Lee": "it has 1 cell where the head has 8.",
    "Ac\udcffme,X14,Ann Lee,Won,GTXBasic,2017-05-06,5,2017-04-24": "it is not text in UTF-8.",
    '"Acme,X15,Ann Lee,Won,GTXBasic,2017-05-06,5,2017-04-24': "a quotation mark is not closed.",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small data set, its broken rows in the midst of the good ones."""
    lines = [HEAD, *GOOD[:2], *BROKEN, "", *GOOD[2:]]
    files = {"accounts": ACCOUNTS, "products": PRODUCTS, "sales_teams": TEAMS, "sales_pipeline": "\r\n".join(lines)}
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_bytes(text.encode(errors="surrogateescape"))
    return tmp_path


def _count(session: CrmSession, model: type[object]) -> int:
    return session.scalars(select(func.count()).select_from(model)).one()


def _deal(session: CrmSession, number: str) -> Opportunity:
    return session.scalars(select(Opportunity).where(Opportunity.external_id == number)).one()


def test_broken_rows_are_named_and_the_rest_is_loaded(database: Database, folder: Path) -> None:
    report = dataset.load(database, folder)
    told = {(p.line, p.reason) for p in report.problems if p.file == "sales_pipeline.csv"}
    assert told == {(line, reason) for line, reason in enumerate(BROKEN.values(), start=4)}
    assert [str(p) for p in report.problems if p.file == "accounts.csv"] == [
        "accounts.csv, line 4: 'acme' occurs twice.",
        "accounts.csv, line 5: revenue 'much' is not a number.",
        "accounts.csv, line 6: it has 2 cells where the head has 3.",
        "accounts.csv, line 7: a quotation mark is not closed.",
    ]
    with database.read_only(system("test")) as session:
        numbers = session.scalars(select(Opportunity.external_id).order_by(Opportunity.id))
        assert list(numbers) == ["WON1", "WON2", "LOST1", "OPEN1"]
        assert set(session.scalars(select(Customer.name))) == {"Acme", "大华贸易"}


def test_a_second_load_doubles_nothing_and_adds_what_is_new(database: Database, folder: Path) -> None:
    dataset.load(database, folder)
    more = folder / "sales_pipeline.csv"
    more.write_bytes(more.read_bytes() + b"\nAcme,NEW1,Ann Lee,In_Progress,GTXBasic,,,2017-06-15\n")
    report = dataset.load(database, folder)
    assert {name for name, count in report.added.items() if count} == {"opportunity"}
    assert report.added["opportunity"] == 1
    assert report.present == {"customer": 2, "product": 2, "opportunity": 4}
    assert str(report).startswith("1 opportunity added, 2 customers already there")
    assert str(report).endswith("22 rows could not be loaded")
    with database.read_only(system("test")) as session:
        counts = {model.__tablename__: _count(session, model) for model in (Opportunity, Customer, Product, User, Team)}
        assert counts == {"opportunity": 5, "customer": 2, "product": 2, "user": 5, "team": 4}
        assert _count(session, OpportunityHistory) == 8 + 1


def test_a_name_is_loaded_without_what_cannot_be_seen(database: Database, folder: Path) -> None:
    (folder / "accounts.csv").write_text(
        "account,revenue,employees\n\u2068Ac\u200bme\u2069,,\n\u202e\u200d,,\n大华贸易,,\n"
    )
    report = dataset.load(database, folder)
    assert "account is missing." in {problem.reason for problem in report.problems}
    with database.read_only(system("test")) as session:
        assert set(session.scalars(select(Customer.name))) == {"Acme", "大华贸易"}


def test_a_record_in_the_trash_stays_there(database: Database, folder: Path) -> None:
    dataset.load(database, folder)
    with database.transaction(system("test")) as session:
        _deal(session, "WON1").deleted_at = datetime(2026, 1, 1, tzinfo=UTC)
    assert dataset.load(database, folder).added["opportunity"] == 0


def test_dates_values_and_stages_are_those_of_the_data(database: Database, folder: Path) -> None:
    dataset.load(database, folder)
    with database.read_only(system("test")) as session:
        won, lost, running = (_deal(session, number) for number in ("WON1", "LOST1", "OPEN1"))
        assert (won.amount, won.currency) == (Decimal("500.50"), "USD")
        assert won.created_at == datetime(2017, 4, 24, tzinfo=UTC)
        assert won.closed_at == won.stage_entered_at == datetime(2017, 5, 6, tzinfo=UTC)
        assert won.customer is not None
        assert won.customer.annual_revenue == Decimal(14_790_000)
        assert (lost.customer_id, lost.amount) == (None, None)
        assert lost.lost_reason is not None
        assert lost.lost_reason.name == "Not recorded"
        assert (running.stage.name, running.amount, running.closed_at) == ("Prospecting", None, None)
        assert _deal(session, "WON2").amount is None
        assert _count(session, Pipeline) == _count(session, LostReason) == 1


def test_the_history_is_dated_by_the_data(database: Database, folder: Path) -> None:
    dataset.load(database, folder)
    with database.read_only(system("test")) as session:
        rows = session.scalars(
            select(OpportunityHistory)
            .where(OpportunityHistory.opportunity_id == _deal(session, "WON1").id)
            .order_by(OpportunityHistory.id)
        )
        assert [(r.change.value, r.before, r.after, r.seconds_in_stage, f"{r.created_at:%F %T}") for r in rows] == [
            ("created", None, "Prospecting", None, "2017-04-24 00:00:00"),
            ("amount", None, "500.50 USD", None, "2017-05-06 00:00:00"),
            ("closed", "Prospecting", "Closed Won", 12 * 86400, "2017-05-06 00:00:00"),
        ]


def test_agents_belong_to_the_team_of_their_manager_below_its_office(database: Database, folder: Path) -> None:
    dataset.load(database, folder)
    with database.read_only(system("test")) as session:
        ann = session.scalars(select(User).where(User.name == "Ann Lee")).one()
        [team] = ann.teams
        assert team.parent is not None
        assert team.lead is not None
        assert ann.manager is not None
        assert (team.parent.name, team.lead.name, ann.manager.name) == ("West", "Mary Major", "Mary Major")
        assert _deal(session, "OPEN1").team_id == team.id
        assert set(session.scalars(select(User.password_hash))) == {""}


def test_what_was_loaded_is_found_by_search(database: Database, folder: Path) -> None:
    dataset.load(database, folder)
    with database.read_only(system("test")) as session:
        assert session.scalars(select(Customer.name).where(matches(Customer, "贸易"))).all() == ["大华贸易"]
        found = session.scalars(select(Opportunity.external_id).where(matches(Opportunity, "special")))
        assert found.all() == ["LOST1"]


def test_progress_is_told_up_to_the_end(database: Database, folder: Path) -> None:
    told: list[tuple[str, int, int]] = []
    dataset.load(database, folder, progress=lambda *step: told.append(step))
    assert told == [("opportunities", 4, 4), ("history", 8, 8)]


def test_a_folder_or_file_that_is_not_there_is_a_sentence(database: Database, folder: Path) -> None:
    with pytest.raises(BadInput, match="There is no folder"):
        dataset.load(database, folder / "missing")
    (folder / "products.csv").unlink()
    with pytest.raises(BadInput, match=r"products\.csv cannot be read"):
        dataset.load(database, folder)


def test_a_file_without_its_columns_is_refused_and_nothing_is_kept(database: Database, folder: Path) -> None:
    (folder / "sales_pipeline.csv").write_text("account,opportunity_id\n")
    with pytest.raises(BadInput, match=r"sales_pipeline\.csv has no column sales_agent, deal_stage"):
        dataset.load(database, folder)
    with database.read_only(system("test")) as session:
        assert _count(session, User) == 0
