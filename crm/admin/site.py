"""The panel's door and routes: SQLAdmin's addresses, none of its own write paths."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from crm.admin import (
    account,
    bulk_links,
    compose,
    dashboard,
    details,
    edit,
    email_template_views,
    errors,
    export,
    files,
    gates,
    grants,
    group_members,
    inbox,
    jobs,
    leaving,
    lists,
    mentions,
    news,
    operations,
    outbox,
    outbox_resend,
    record_links,
    removal,
    schedule_inputs,
    schedule_views,
    search,
    sign_in,
    timeline,
)
from crm.admin.assets import OURS
from crm.admin.door import Door
from crm.admin.headers import Headers
from crm.admin.panel import Panel
from crm.admin.unsaved import Stale
from crm.db import Database
from crm.errors import CrmError
from crm.settings import Settings

#: imported for what they declare
_DECLARING = (schedule_inputs,)


def open_panel(app: Starlette, database: Database, settings: Settings) -> Panel:
    """Mount the panel of all registered entities at /admin."""
    return Panel(
        app,
        database,
        settings,
        routes=_routes(),
        handlers={HTTPException: errors.on_http_error, CrmError: errors.on_crm_error, Stale: gates.on_stale},
        middlewares=[
            Middleware(Headers, away=errors.away, crashed=errors.crashed),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=6),
            Middleware(Door, database=database, settings=settings, refused=gates.refused),
        ],
    )


async def _not_found(_request: Request) -> Response:
    raise HTTPException(404)


def _routes() -> list[BaseRoute]:
    """SQLAdmin's addresses for pages; whatever changes something is a POST of ours."""
    both, post = ["GET", "POST"], ["POST"]
    return [
        Mount("/statics", StaticFiles(directory=OURS, packages=[("sqladmin", "statics")]), name="statics"),
        Route("/", dashboard.dashboard, name="index"),
        Route("/login", sign_in.login, name="login", methods=both),
        Route("/logout", sign_in.logout, name="logout", methods=post),
        Route("/language", sign_in.language, name="language", methods=both),
        Route("/forgot-password", account.forgot, name="forgot_password", methods=both),
        Route("/reset-password", account.reset, name="reset_password", methods=both),
        Route("/password", account.change_own, name="own_password", methods=both),
        Route("/user/password/{pk}", account.set_password, name="set_password", methods=both),
        Route("/user/do/{pk}/hand_over", leaving.page, name="hand_over", methods=both),
        Route("/role/grants/{pk}", grants.grants, name="grants", methods=both),
        Route("/outbox", outbox.outbox, name="outbox"),
        Route("/outbox/resend", outbox_resend.resend, name="outbox_resend", methods=post),
        Route("/email-template/try", email_template_views.try_out, name="template_trial", methods=post),
        Route("/email-template/body/{pk}", email_template_views.body, name="template_body"),
        Route("/inbox", inbox.inbox, name="inbox"),
        Route("/inbox/{pk}", inbox.message, name="message"),
        Route("/inbox/{pk}/body", inbox.body, name="message_body"),
        Route("/jobs", jobs.console, name="jobs"),
        Route("/jobs/live", jobs.live, name="jobs_live"),
        Route("/jobs/{pk}/live", jobs.live_job, name="job_live"),
        Route("/news/latest", news.latest, name="news"),
        Route("/news/read-all", news.read_all, name="news_read_all", methods=post),
        Route("/news", news.page, name="news"),
        Route("/news/{pk}/open", news.open_one, name="news_open", methods=post),
        Route("/preferences", news.preferences, name="preferences", methods=both),
        Route("/mentions", mentions.suggest, name="mentions"),
        Route("/contact-group/members/{pk}", group_members.change, name="group_members", methods=post),
        Route("/links/lookup", record_links.look_up, name="link_lookup"),
        Route("/search", search.page, name="search"),
        Route("/search/suggest", search.suggest, name="search_suggest"),
        Route("/attachment/create", files.new, name="new_file"),
        Route("/attachment/upload", files.upload, name="upload", methods=post),
        Route("/attachment/download/{pk}", files.download, name="download"),
        Route("/attachment/preview/{pk}", files.preview, name="preview"),
        Route("/schedules/preview", schedule_views.preview, name="schedule_preview"),
        Route("/{identity}/list", lists.list_page, name="list"),
        Route("/{identity}/details/{pk}", details.details, name="details"),
        Route("/{identity}/create", edit.create, name="create", methods=both),
        Route("/{identity}/edit/{pk}", edit.edit, name="edit", methods=both),
        Route("/{identity}/export/{export_type}", export.export, name="export"),
        Route("/{identity}/ajax/lookup", lists.look_up, name="ajax_lookup"),
        Route("/{identity}/bulk-link", bulk_links.change, name="bulk_link", methods=post),
        Route("/{identity}/bulk/{verb}", removal.many, name="bulk", methods=post),
        Route("/{identity}/bulk/{verb}/ask", removal.ask_many, name="bulk_ask", methods=post),
        Route("/{identity}/do/{pk}/{verb}", operations.run, name="operation", methods=both),
        Route("/{identity}/mail/{pk}", compose.page, name="compose", methods=both),
        Route("/{identity}/mail/{pk}/preview", compose.preview, name="compose_preview", methods=post),
        Route("/{identity}/timeline/{pk}", timeline.page, name="timeline"),
        Route("/{identity}/timeline/{pk}", timeline.add, name="timeline_add", methods=post),
        Route("/{identity}/{verb}/{pk}", removal.one, name="remove", methods=both),
        # SQLAdmin would serve the file a column names; this panel serves none
        Route("/{identity}/{pk:path}/{column_name}/download/", _not_found, name="file_download"),
        Route("/{identity}/{pk:path}/{column_name}/preview/", _not_found, name="file_preview"),
    ]
