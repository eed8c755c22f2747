"""Signing in and out of the panel, and choosing its language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crm import i18n
from crm.actor import system
from crm.admin import pages, paths
from crm.admin.door import LANGUAGE_COOKIE, cookie_name, guest_cookie, new_secret, secure
from crm.admin.visitor import Visitor, visitor_of
from crm.errors import TooManyRequests, Unauthenticated
from crm.i18n import error_text, gettext
from crm.services import sessions
from crm.services.sign_in import sign_in

_YEAR_S = 365 * 24 * 3600


async def login(request: Request) -> Response:
    """GET shows the form, POST checks it; every sign-in begins a new session."""
    if request.method == "GET" and visitor_of(request).actor is not None:
        return pages.redirect(request, paths.to(""))
    if request.method == "GET":
        return _form(request)
    form = await request.form()
    username, password = str(form.get("username") or ""), str(form.get("password") or "")
    panel = pages.panel_of(request)
    ip = request.client.host if request.client else ""
    try:
        cookie = await sign_in(
            panel.database, panel.settings, username=username, password=password, ip=ip, then=sessions.open_session
        )
    except (Unauthenticated, TooManyRequests) as error:
        return _form(request, error_text(error), username=username, status=error.status)
    await _end(request)
    answer = pages.redirect(request, paths.safe(str(form.get("next") or ""), paths.to("")))
    name, https = cookie_name(request, panel.settings), secure(request, panel.settings)
    age = int(sessions.ABSOLUTE.total_seconds())
    answer.set_cookie(name, cookie, max_age=age, path="/", secure=https, httponly=True, samesite="lax")
    return answer


def _form(request: Request, error: str = "", *, username: str = "", status: int = 200) -> Response:
    following = paths.safe(request.query_params.get("next"), "")
    context = {"error": error, "username": username, "next": following, "forgot_url": paths.to("forgot-password")}
    return guest_page(request, "sqladmin/login.html", context, status)


def guest_page(request: Request, template: str, context: Mapping[str, Any], status: int = 200) -> Response:
    """A page with a form for somebody who has no session: its token is made from a secret in a cookie of its own."""
    settings, visitor = pages.panel_of(request).settings, visitor_of(request)
    fresh = visitor.actor is None and not visitor.secret
    if fresh:
        request.scope["state"]["visitor"] = Visitor(None, "", new_secret())
    answer = pages.render(request, template, context, status)
    if fresh:
        name, https = guest_cookie(request, settings), secure(request, settings)
        value = visitor_of(request).secret
        answer.set_cookie(name, value, path="/", secure=https, httponly=True, samesite="lax")
    return answer


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
    came_from = request.headers.get("referer", "")
    path = "/" + came_from.partition("://")[2].partition("/")[2] if "://" in came_from else ""
    back = paths.safe(str(form.get("next") or "") or path, paths.to(""))
    answer = pages.redirect(request, back)
    if wished in i18n.LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, wished, max_age=_YEAR_S, path="/", samesite="lax")
    return answer
