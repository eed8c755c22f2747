"""The only module that knows all web doors: `create_app()` makes the ASGI application that uvicorn serves."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache

from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from crm import logs, metrics, settings, zones
from crm.actor import system
from crm.admin import unsubscribe
from crm.admin.app import create_admin
from crm.api.app import Api, create_api
from crm.api.edge import RequestIds
from crm.db import Database
from crm.entity_check import check_entities
from crm.errors import StartError
from crm.services import users
from crm.settings import LOOPBACK, Settings

_HEADERS = ("Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Id")
_EXPOSED = ("ETag", "Location", "Retry-After", "X-Request-Id", "Content-Disposition")


class Application(Starlette):
    """Requests below /api go to the API at once, everything else (the panel) through Starlette's routing."""

    api: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"].startswith("/api/") or scope["path"] == "/api"):
            await self.api(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app() -> ASGIApp:
    """The application of this process, by the environment's settings; StartError says what is wrong with them."""
    chosen = settings.load()
    logs.configure(chosen)
    return make_app(Database(chosen.database, pool_size=chosen.db_pool_size), chosen)


def make_app(database: Database, settings: Settings) -> ASGIApp:
    """All web doors on one database; the application closes it when it stops."""
    zones.use_system_zone(settings.timezone)
    check_entities()
    check_exposure(database, settings)
    api = create_api(database, settings)
    routes = [Route("/", _to_panel), unsubscribe.mount(database, settings), metrics.route(database, settings)]
    application = Application(routes=routes, lifespan=_lifespan(database, api))
    application.api = _for_browsers(GZipMiddleware(api, minimum_size=1000), settings)
    create_admin(application, database, settings)
    return RequestIds(application)


def check_exposure(database: Database, settings: Settings) -> None:
    """StartError if others could reach the server while the printed default password still opens it."""
    if settings.host in LOOPBACK:
        return
    try:
        with database.read_only(system("start")) as session:
            stands = users.default_password_stands(session)
    except OperationalError:
        raise StartError(
            "HOST: %(host)s can be reached by others, and the database does not answer, so nobody knows whether the "
            "default password of admin still stands. Start the database first.",
            host=settings.host,
        ) from None
    if stands:
        raise StartError(
            "HOST: %(host)s can be reached by others while the default password of admin still stands. "
            "Change it in the panel on 127.0.0.1 first.",
            host=settings.host,
        )


def _lifespan(database: Database, api: Api) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def run(_app: Starlette) -> AsyncIterator[None]:
        _spare_the_collector()
        yield
        await api.close()
        await database.dispose_async()

    return run


@cache
def _spare_the_collector() -> None:
    """What is loaded by now stays for good: the collector need not walk through it again and again.

    Once a process: the next application is made of the same code.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def _for_browsers(api: ASGIApp, settings: Settings) -> ASGIApp:
    """Pages of other origins may call the API only if they are listed."""
    origins = [origin.strip() for origin in settings.cors_origins.split(",") if origin.strip()]
    if not origins:
        return api
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    return CORSMiddleware(
        api, allow_origins=origins, allow_methods=methods, allow_headers=_HEADERS, expose_headers=_EXPOSED, max_age=600
    )


async def _to_panel(_request: Request) -> Response:
    return RedirectResponse("/admin/")
