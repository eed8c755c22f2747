"""Load the data set from a folder into a database, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from sqlalchemy.orm import Session

from crm.actor import system
from crm.db import Database
from crm.errors import BadInput
from seeds.dataset import rows
from seeds.dataset.deals import FILE, Known, load_deals
from seeds.dataset.people import load_people
from seeds.dataset.report import Problem, Report
from seeds.dataset.sales import load_customers, load_pipeline, load_products
from seeds.progress import Progress, silent

Read = TypeVar("Read", rows.Account, rows.Item, rows.Agent, rows.Deal)
_DEAL_COLUMNS = (
    *("account", "opportunity_id", "sales_agent", "deal_stage", "product"),
    *("close_date", "close_value", "created_on"),
)


def load(database: Database, folder: Path, *, progress: Progress = silent) -> Report:
    """Load what is not there yet; rows that cannot be loaded are in the report, the rest is loaded.

    BadInput if the folder or one of its four files cannot be read.
    """
    if not folder.is_dir():
        raise BadInput("There is no folder %(folder)s", folder=folder)
    with database.transaction(system("data set")) as session:
        return _load(session, folder, progress)


def _load(session: Session, folder: Path, progress: Progress) -> Report:
    report = Report()

    def file(name: str, columns: tuple[str, ...], make: Callable[[rows.Cells, int], Read]) -> list[Read]:
        return list(_good(rows.read(folder, name, columns, make), name, report))

    accounts = file("accounts.csv", ("account", "revenue", "employees"), rows.account)
    items = file("products.csv", ("product", "sales_price"), rows.item)
    agents = file("sales_teams.csv", ("sales_agent", "manager", "regional_office"), rows.agent)
    deals = file(FILE, _DEAL_COLUMNS, rows.deal)
    buyers = {deal.account.casefold() for deal in deals if deal.outcome == "won"}
    known = Known(
        way=load_pipeline(session, report),
        sellers=load_people(session, agents, report),
        customers=load_customers(session, accounts, buyers, report),
        products=load_products(session, items, report),
    )
    load_deals(session, deals, known, report, progress)
    report.problems.sort(key=lambda problem: (problem.file, problem.line))
    return report


def _good(found: Iterator[Read | Problem], file: str, report: Report) -> Iterator[Read]:
    """The rows that can be loaded, the first only where a name occurs twice; the others go into the report."""
    seen: set[str] = set()
    for row in found:
        if isinstance(row, Problem):
            report.problems.append(row)
        elif row.name.casefold() in seen:
            report.problems.append(Problem(file, row.line, f"'{row.name}' occurs twice."))
        else:
            seen.add(row.name.casefold())
            yield row
