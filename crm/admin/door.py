"""The door of the panel: who comes in, in which language, and that what is sent was sent from our own pages."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from crm import formats, i18n
from crm.actor import Actor, system
from crm.admin import paths, unsaved
from crm.admin.bodies import form_of, limited, replay
from crm.admin.unsaved import Unsaved
from crm.admin.visitor import Visitor, current_actor
from crm.db import Database
from crm.entity import permission
from crm.models.job import Job
from crm.rights import KeptActors
from crm.services import job_console, notifications, restorations, sessions
from crm.settings import Settings

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: open to everyone: signing in, a forgotten password, the language, style sheets and scripts
OPEN = ("/login", "/language", "/forgot-password", "/reset-password", "/statics/")
#: take files as they come, and look at the token themselves before the first of them
UPLOAD, COMPOSE = "/attachment/upload", unsaved.MAIL
LANGUAGE_COOKIE = "crm_lang"


def secure(request: Request, settings: Settings) -> bool:
    return request.url.scheme == "https" or settings.public_url.startswith("https://")


def cookie_name(request: Request, settings: Settings) -> str:
    """The `__Host-` prefix ties a cookie to this very host, and needs https."""
    return "__Host-crm" if secure(request, settings) else "crm_session"


def guest_cookie(request: Request, settings: Settings) -> str:
    """Holds the secret of the sign-in page's form."""
    return "__Host-crm_guest" if secure(request, settings) else "crm_guest"


class Refused(Protocol):
    """Makes the page that says why somebody is turned away, and keeps what they had typed."""

    def __call__(self, request: Request, sentence: str, status: int, kept: Unsaved | None = None) -> Response: ...


class Door:
    """Finds the visitor of each request; without one, only the open pages answer."""

    def __init__(self, app: ASGIApp, database: Database, settings: Settings, refused: Refused) -> None:
        self.app, self.database, self.settings, self._refused = app, database, settings, refused
        self._kept = KeptActors()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        paths.root.set(scope.get("root_path", ""))
        visitor = await self._visitor(request)
        scope["state"]["visitor"] = visitor
        self._speak(request, visitor.actor)
        answer = await self._refuse(request, visitor)
        if answer is None and request.method not in SAFE:
            answer, scope, receive = await self._check_form(request, visitor)
        if answer is not None:
            await answer(scope, receive, send)
            return
        mark = current_actor.set(visitor.actor)
        try:
            await self.app(scope, receive, send)
        finally:
            current_actor.reset(mark)

    # ------------------------------------------------------------------ who

    async def _visitor(self, request: Request) -> Visitor:
        cookie = request.cookies.get(cookie_name(request, self.settings), "")
        guest = Visitor(None, "", request.cookies.get(guest_cookie(request, self.settings), ""))
        if not cookie or "/statics/" in request.url.path:
            return guest
        actor_of_sessions = system("panel")
        async with self.database.read_only_async(actor_of_sessions) as session:
            found = await session.run_sync(sessions.find_session, cookie)
            actor = await session.run_sync(self._actor, found)
            news = await session.run_sync(_news, actor) if actor and request.method == "GET" else {}
        if found is None or actor is None:
            return guest
        if sessions.needs_touch(found):
            async with self.database.transaction_async(actor_of_sessions) as session:
                await session.run_sync(sessions.touch, cookie)
        mark = unsaved.mark(self.settings.signing_key, actor.user_id or 0)
        return Visitor(actor, cookie, found.csrf_token, mark, **news)

    def _actor(self, session: Session, found: sessions.Found | None) -> Actor | None:
        """Whose session it is, with the rights of this moment."""
        if found is None or found.user_id is None:
            return None
        return self._kept.get(found.user_id, found.access_version) or self._kept.load(session, found.user_id)

    def _speak(self, request: Request, actor: Actor | None) -> None:
        chosen = request.cookies.get(LANGUAGE_COOKIE)
        accept = request.headers.get("accept-language", "")
        i18n.use(i18n.negotiate(chosen, actor.locale if actor else None, accept=accept))
        formats.use_zone((actor.timezone if actor else "") or self.settings.timezone)

    # ------------------------------------------------------------------ may they

    async def _refuse(self, request: Request, visitor: Visitor) -> Response | None:
        path = inner_path(request.scope)
        if request.method not in SAFE and not same_origin(request, self.settings):
            return self._refused(request, not_ours(), 403)
        if visitor.actor is not None or path.startswith(OPEN):
            return None
        by_script = request.headers.get("accept", "").startswith("application/json")
        if request.method in SAFE and not by_script:
            return RedirectResponse(paths.to("login", next=paths.root.get() + address_of(request)), 303)
        kept = None if by_script else await self._typed(request)
        return self._refused(request, i18n.gettext("Your session has ended, and nothing was saved."), 401, kept)

    async def _typed(self, request: Request) -> Unsaved | None:
        """What somebody without a session sent; of files, only that they came."""
        if not unsaved.is_form(inner_path(request.scope)):
            return None
        files = request.headers.get("content-type", "").startswith("multipart/form-data")
        texts = await unsaved.before_files(request) if files else unsaved.pairs(await limited(request) or b"")
        kept = unsaved.of(self.settings.signing_key, address_of(request), texts)
        if kept is not None and files:
            await unsaved.drain_files(request)
        return kept

    async def _check_form(self, request: Request, visitor: Visitor) -> tuple[Response | None, Scope, Receive]:
        """Every unsafe request bears the token; the body is read here and handed on, unless it holds files.

        What comes back from the sign-in page goes to its form as something to be shown.
        """
        scope = request.scope
        if _takes_files(request):
            return None, scope, request.receive
        body = await limited(request)
        if body is None:
            sentence = i18n.gettext("This is more than a form may hold.")
            return self._refused(request, sentence, 413), scope, request.receive
        header = request.headers.get("x-csrf-token")
        form = FormData() if header else await form_of(scope, body)
        brought = unsaved.read(self.settings.signing_key, str(form.get(unsaved.FIELD) or ""))
        if not visitor.accepts(header or str(form.get("csrf_token") or "")):
            texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
            kept = brought or unsaved.of(self.settings.signing_key, address_of(request), texts)
            return self._refused(request, not_ours(), 403, kept), scope, replay(body)
        if unsaved.FIELD in form and inner_path(scope) not in OPEN:
            if brought is None or not brought.belongs(visitor.actor, inner_path(scope)):
                return self._refused(request, not_ours(), 403), scope, replay(body)
            scope, body = unsaved.shown_again(scope, brought)
        return None, scope, replay(body)


def _news(session: Session, actor: Actor) -> dict[str, Any]:
    """What every page shows beside its own: see Visitor."""
    may_see = actor.may(permission(Job, "view"))
    return {
        "unread": notifications.unread_at_most(session, actor.user_id, 100),  # a hundred are as many as more
        "trouble": job_console.count_trouble(session, actor) if may_see else 0,
        "is_copy": restorations.is_a_copy(session),
    }


def inner_path(scope: Mapping[str, str]) -> str:
    """The path below the panel: /contact/list"""
    return scope["path"].removeprefix(scope.get("root_path", "")) or "/"


def address_of(request: Request) -> str:
    """Path and query below the panel."""
    return inner_path(request.scope) + (f"?{request.url.query}" if request.url.query else "")


def same_origin(request: Request, settings: Settings) -> bool:
    """Whether the browser says that one of our own pages sent this; nothing said is not good enough."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in (None, "same-origin"):
        return False
    if origin is None:
        return site == "same-origin"
    ours = {f"{request.url.scheme}://{request.headers.get('host', '')}"}
    if settings.public_url:
        ours = {settings.public_url.rstrip("/").partition("://")[0] + "://" + _host(settings.public_url), *ours}
    return origin.lower() in {o.lower() for o in ours}


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]


def _takes_files(request: Request) -> bool:
    path, kind = inner_path(request.scope), request.headers.get("content-type", "")
    return path == UPLOAD or bool(COMPOSE.fullmatch(path) and kind.startswith("multipart/form-data"))


def not_ours() -> str:
    return i18n.gettext("This was not sent from a page of ours, or the page is too old. Load it again.")


def new_secret() -> str:
    return secrets.token_urlsafe(32)
