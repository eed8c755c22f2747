"""The job console: what needs somebody first, then what runs, the queues and those who work; renewed by itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from crm import access, formats
from crm.admin import job_views, pages, paths
from crm.admin.urls import key_of
from crm.admin.visitor import actor_of
from crm.entity import permission
from crm.errors import Forbidden
from crm.i18n import gettext
from crm.models.job import Job
from crm.models.restoration import Restoration
from crm.services import job_console, restorations


async def console(request: Request) -> Response:
    """The whole page."""
    return await _answer(request, "crm/jobs.html")


async def live(request: Request) -> Response:
    """What of the page changes, without the page around it."""
    return await _answer(request, "crm/jobs_live.html")


async def live_job(request: Request) -> Response:
    """The part of a job's own page that changes."""
    _require(request)
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        context = await session.run_sync(_job, key_of(request))
    return pages.render(request, "crm/job_part.html", {"part": context})


async def _answer(request: Request, template: str) -> Response:
    _require(request)
    async with pages.panel_of(request).database.read_only_async(actor_of(request)) as session:
        context = await session.run_sync(_context)
    crumbs = [{"label": gettext("Job console"), "url": ""}]
    return pages.render(request, template, {**context, "breadcrumbs": crumbs, "page_title": gettext("Job console")})


def _require(request: Request) -> None:
    if not actor_of(request).may(permission(Job, "view")):
        raise Forbidden("Forbidden")


def _job(session: Session, key: int) -> dict[str, Any]:
    return job_views.of_job(session, access.find(session, Job, key))


def _context(session: Session) -> dict[str, Any]:
    found = job_console.figures(session)
    heard = job_views.worker_heard(found)
    return {
        "live_url": paths.to("jobs", "live"),
        "all_url": paths.list_of(Job),
        "at": formats.clock(found.at),
        "cards": job_views.cards(found),
        "worker_heard": heard,
        "troubled": job_views.rows(session, job_console.troubled(session), worker_heard=heard),
        "more_trouble": found.trouble,
        "running": job_views.rows(session, job_console.at_work(session), worker_heard=heard),
        "queues": job_views.queues(found),
        "processes": job_views.processes(found),
        "chart": job_views.chart(found),
        "copy": _copy(session),
        "back": paths.to("jobs"),
    }


def _copy(session: Session) -> dict[str, Any] | None:
    """The restored backup this is, and where to release it, for those who may."""
    found = restorations.unreleased(session)
    if found is None:
        return None
    mine = access.allows(session, found, "release")
    return {
        "made": formats.moment(found.made_at),
        "held": restorations.count_held(session),
        "url": paths.to(paths.identity(Restoration), "do", found.id, "release") if mine else "",
    }
