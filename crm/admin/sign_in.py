"""Signing in and out of the panel, and choosing its language."""

from __future__ import annotations

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from crm import i18n
from crm.actor import system
from crm.admin import gates, pages, paths, unsaved
from crm.admin.door import LANGUAGE_COOKIE, cookie_name, secure
from crm.admin.unsaved import Unsaved
from crm.admin.visitor import Visitor, visitor_of
from crm.errors import TooManyRequests, Unauthenticated
from crm.i18n import error_text, gettext
from crm.models.user import User
from crm.services import sessions
from crm.services.sign_in import sign_in

_YEAR_S = 365 * 24 * 3600


async def login(request: Request) -> Response:
    """GET shows the form, POST checks it; every sign-in begins a new session."""
    if request.method == "GET" and visitor_of(request).actor is not None:
        return pages.redirect(request, paths.to(""))
    if request.method == "GET":
        return gates.sign_in_form(request, following=request.query_params.get("next", ""))
    form = await request.form()
    username, password = str(form.get("username") or ""), str(form.get("password") or "")
    following, brought = str(form.get("next") or ""), str(form.get(unsaved.FIELD) or "")
    panel = pages.panel_of(request)
    ip = request.client.host if request.client else ""
    try:
        cookie, user_id = await sign_in(
            panel.database, panel.settings, username=username, password=password, ip=ip, then=_open
        )
    except (Unauthenticated, TooManyRequests) as error:
        told = error_text(error)
        return gates.sign_in_form(
            request, told, username=username, following=following, kept=brought, status=error.status
        )
    await _end(request)
    kept = unsaved.read(panel.settings.signing_key, brought)
    answer = await _led_back(request, kept, cookie, user_id) if kept else None
    answer = answer or pages.redirect(request, paths.safe(following, paths.to("")))
    name, https = cookie_name(request, panel.settings), secure(request, panel.settings)
    age = int(sessions.ABSOLUTE.total_seconds())
    answer.set_cookie(name, cookie, max_age=age, path="/", secure=https, httponly=True, samesite="lax")
    return answer


def _open(session: Session, user: User) -> tuple[str, int]:
    return sessions.open_session(session, user), user.id


async def _led_back(request: Request, kept: Unsaved, cookie: str, user_id: int) -> Response | None:
    """To the form that came too late, if who has signed in now had typed it."""
    if kept.user_id != user_id:
        return None
    async with pages.panel_of(request).database.read_only_async(system("panel")) as session:
        found = await session.run_sync(sessions.find_session, cookie)
    request.scope["state"]["visitor"] = Visitor(None, cookie, found.csrf_token if found else "")
    return gates.go_on(request, kept)


async def logout(request: Request) -> Response:
    """POST only: a link on a foreign page must not sign anybody out."""
    await _end(request)
    answer = pages.redirect(request, paths.to("login"), gettext("You have signed out."), "info")
    answer.delete_cookie(cookie_name(request, pages.panel_of(request).settings), path="/")
    return answer


async def _end(request: Request) -> None:
    """The session the request came with is worth nothing from now on."""
    if cookie := visitor_of(request).cookie:
        async with pages.panel_of(request).database.transaction_async(system("panel")) as session:
            await session.run_sync(sessions.end_session, cookie)


async def language(request: Request) -> Response:
    """`to=zh`, in the address or a form: kept in a cookie, and back to where the visitor was."""
    form = await request.form() if request.method == "POST" else request.query_params
    wished = str(form.get("to") or "")
    back = paths.safe(str(form.get("next") or "") or pages.came_from(request), paths.to(""))
    answer = pages.redirect(request, back)
    if wished in i18n.LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, wished, max_age=_YEAR_S, path="/", samesite="lax")
    return answer
