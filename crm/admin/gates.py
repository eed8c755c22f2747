"""Pages for somebody who is not signed in, or no longer: what they had typed goes through the sign-in with them.

Whoever signs in instead of them finds nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crm.admin import errors, pages, paths, unsaved
from crm.admin.door import address_of, guest_cookie, new_secret, not_ours, secure
from crm.admin.unsaved import Stale, Unsaved
from crm.admin.visitor import Visitor, visitor_of
from crm.i18n import gettext


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


def sign_in_form(
    request: Request,
    error: str = "",
    *,
    notice: str = "",
    username: str = "",
    following: str = "",
    kept: str = "",
    status: int = 200,
) -> Response:
    """`following` is where to go then; `kept` is what was typed before (see `unsaved.sign`)."""
    context = {
        "error": error,
        "notice": notice,
        "username": username,
        "next": paths.safe(following, ""),
        "kept": kept,
        "login_url": paths.to("login"),
        "forgot_url": paths.to("forgot-password"),
    }
    return guest_page(request, "sqladmin/login.html", context, status)


def refused(request: Request, sentence: str, status: int, kept: Unsaved | None = None) -> Response:
    """The sign-in with what was typed; the form again, if who is signed in typed it; a sentence, if all is lost."""
    actor = visitor_of(request).actor
    if kept is None:
        return errors.refused(request, sentence, status)
    if actor is not None and actor.user_id == kept.user_id:
        return go_on(request, kept, status)
    told = gettext("Your session has ended. Sign in again, and what you typed will be there.")
    if actor is not None:
        told = gettext("Somebody else opened this form, and nothing was saved. When they sign in, it will be there.")
    return sign_in_form(request, notice=told, kept=_signed(request, kept), status=status)


async def on_stale(request: Request, error: Exception) -> Response:
    """A form that its own route found too old."""
    assert isinstance(error, Stale)
    secret, address = pages.panel_of(request).settings.signing_key, address_of(request)
    return refused(request, not_ours(), error.status, unsaved.of(secret, address, error.texts))


def go_on(request: Request, kept: Unsaved, status: int = 200) -> Response:
    """Leads to the form by a POST that brings what was typed; a script does it at once."""
    context = {"go_on_url": paths.root.get() + kept.address, "kept": _signed(request, kept)}
    return pages.render(request, "crm/go_on.html", context, status)


def _signed(request: Request, kept: Unsaved) -> str:
    return unsaved.sign(pages.panel_of(request).settings.signing_key, kept)
