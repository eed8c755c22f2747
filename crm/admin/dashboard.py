"""The first page: a few counts, my open tasks, the latest deals.  Plain for now; a later release makes it rich."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from crm import formats
from crm.actor import Actor
from crm.admin import asked, listing, pages, paths, queries
from crm.admin.visitor import actor_of
from crm.entity import permission, titles_of
from crm.i18n import gettext
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.opportunity import Opportunity
from crm.models.stage import Stage, StageCategory
from crm.models.task import Task, TaskStatus

ROWS = 8
_TASK = ("title", "priority", "due_at", "due_date")
#: what is due first, at a time or on a day
_BY_DUE = (
    func.coalesce(func.date(Task.due_at), Task.due_date).asc().nulls_last(),
    Task.due_at.asc().nulls_last(),
    Task.id.desc(),
)
_OPEN_TASKS = (TaskStatus.NOT_STARTED, TaskStatus.IN_PROGRESS, TaskStatus.DEFERRED)


async def dashboard(request: Request) -> Response:
    """Cards {label, value, url} and panels {label, count, columns, rows, all_url} of what the actor may view."""
    actor = actor_of(request)
    async with pages.panel_of(request).database.read_only_async(actor) as session:
        context = await session.run_sync(_context, actor)
    return pages.render(request, "sqladmin/index.html", context)


def _context(session: Session, actor: Actor) -> dict[str, Any]:
    crumb = {"label": gettext("Dashboard"), "url": ""}
    return {
        "cards": _cards(session, actor),
        "panels": [*_my_tasks(session, actor), *_latest_deals(session, actor)],
        "today": formats.long_day(formats.today()),
        "breadcrumbs": [crumb],
        "page_title": gettext("Dashboard"),
    }


def _cards(session: Session, actor: Actor) -> list[dict[str, str]]:
    cards = []
    for model in (Customer, Contact):
        if actor.may(permission(model, "view")):
            number, exact = queries.count(session, select(model.id), exact=False)
            cards.append(_card(gettext(titles_of(model)), number, paths.list_of(model), exact=exact))
    if actor.may(permission(Opportunity, "view")):
        cards.append(_open_deals(session))
    return cards


def _card(label: str, number: int, url: str, *, exact: bool = True) -> dict[str, str]:
    return {"label": label, "value": formats.number(number) + ("" if exact else "+"), "url": url}


def _open_deals(session: Session) -> dict[str, str]:
    stages = session.scalars(select(Stage.id).where(Stage.category == StageCategory.OPEN)).all()
    query = select(func.count(Opportunity.id)).where(Opportunity.stage_id.in_(stages))
    number = session.scalar(query) or 0
    url = paths.with_query(paths.list_of(Opportunity), [("stage_id", key) for key in stages])
    return _card(gettext("Open opportunities"), number, url)


def _my_tasks(session: Session, actor: Actor) -> list[dict[str, Any]]:
    if actor.user_id is None or not actor.may(permission(Task, "view")):
        return []
    query = [("assignee_id", str(actor.user_id)), *(("status", str(s)) for s in _OPEN_TASKS)]
    return [_panel(session, Task, _TASK, [*query, ("sortBy", "due_at")], gettext("My open tasks"), by=_BY_DUE)]


def _latest_deals(session: Session, actor: Actor) -> list[dict[str, Any]]:
    if not actor.may(permission(Opportunity, "view")):
        return []
    names = ("name", "customer_id", "stage_id", "amount", "owner_id")
    return [_panel(session, Opportunity, names, [], gettext("Latest opportunities"))]


def _panel(
    session: Session,
    model: type[Any],
    names: tuple[str, ...],
    query: list[tuple[str, str]],
    label: str,
    *,
    by: Sequence[ColumnElement[Any]] = (),
) -> dict[str, Any]:
    """`by` is an order that no column has; otherwise that of the query."""
    wanted = asked.read(model, QueryParams(query))
    found = queries.narrowed(model, wanted)
    total, exact = queries.count(session, found, exact=False)
    if by:
        chosen = found.with_only_columns(*queries.shown_columns(model, names)).order_by(*by).limit(ROWS)
        rows = list(session.execute(chosen))
    else:
        rows = queries.read_page(session, model, names, wanted)[:ROWS]
    drawn = listing.draw(session, model, names, rows)
    columns, shown = listing.one_due(listing.columns(model, wanted, names), drawn)
    return {
        "label": label,
        "count": formats.number(total) + ("" if exact else "+"),
        "columns": columns,
        "rows": shown,
        "all_url": paths.with_query(paths.list_of(model), query),
    }
