"""Answers of the panel: pages with what every template needs, redirects, and messages that outlive a redirect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from crm import i18n
from crm.admin import menu, paths, unsaved
from crm.admin.door import address_of, inner_path
from crm.admin.panel import Panel
from crm.admin.visitor import visitor_of
from crm.entity import permission
from crm.models.job import Job

FLASH_COOKIE = "crm_flash"
_MOST_FLASHES = 5


class Undo(TypedDict):
    """A path of ours, and the keys it is about (none where the path names its record)."""

    url: str
    ids: list[int]


class Flash(TypedDict):
    category: str
    message: str
    undo: NotRequired[Undo]


def panel_of(request: Request) -> Panel:
    return cast(Panel, request.app.state.panel)


def render(request: Request, template: str, context: Mapping[str, Any], status: int = 200) -> Response:
    """A page; messages that waited for one are shown and forgotten."""
    waiting = _waiting(request)
    text = panel_of(request).templates.env.get_template(template).render({**base(request, waiting), **context})
    answer = HTMLResponse(text, status)
    if request.cookies.get(FLASH_COOKIE):
        answer.delete_cookie(FLASH_COOKIE, path=paths.root.get() or "/")
    return answer


def base(request: Request, flashes: list[Flash]) -> dict[str, Any]:
    """What all templates know."""
    visitor, panel = visitor_of(request), panel_of(request)
    here = inner_path(request.scope).split("/")[1]
    return {
        "request": request,
        "menu": menu.build(panel.entity_views, visitor.actor, here, trouble=visitor.trouble) if visitor.actor else [],
        "actor": visitor.actor,
        "csrf_token": visitor.token if visitor.secret else "",
        "csp_nonce": request.scope["state"]["nonce"],
        "lang": i18n.current(),
        "flashes": flashes,
        "unread": visitor.unread,
        "is_copy": visitor.is_copy,
        "copy_url": paths.to("jobs") if visitor.actor and visitor.actor.may(permission(Job, "view")) else "",
        "breadcrumbs": [],
        "unsaved": unsaved.in_state(request),
        **_addresses(request),
    }


def _addresses(request: Request) -> dict[str, Any]:
    return {
        "root": paths.root.get(),
        "home_url": paths.to(""),
        "at_home": inner_path(request.scope) == "/",
        "here_url": paths.root.get() + address_of(request),
        "language_url": paths.to("language"),
        "logout_url": paths.to("logout"),
        "password_url": paths.to("password"),
        "languages": i18n.LANGUAGES,
    }


def came_from(request: Request) -> str:
    """The page of ours that sent this, as a path; empty if it does not say, or was another's."""
    referer = request.headers.get("referer", "")
    return paths.safe("/" + referer.partition("://")[2].partition("/")[2], "") if "://" in referer else ""


def redirect(
    request: Request, address: str, message: str = "", category: str = "success", *, undo: Undo | None = None
) -> Response:
    """303 to a path of ours; `message` is shown on the page that comes next.  Categories: success, error, info.

    `undo` is what a button beside the message posts.
    """
    answer = RedirectResponse(address, 303)
    if message:
        new: Flash = {"category": category, "message": message}
        if undo:
            new["undo"] = undo
        told = [*_waiting(request), new][-_MOST_FLASHES:]
        signed = _signer(request).dumps(told)
        path = paths.root.get() or "/"
        answer.set_cookie(FLASH_COOKIE, str(signed)[:3800], max_age=300, path=path, httponly=True, samesite="lax")
    return answer


def _waiting(request: Request) -> list[Flash]:
    """Signed, so that nobody puts words into the panel's mouth."""
    try:
        found: list[Flash] = _signer(request).loads(request.cookies.get(FLASH_COOKIE, ""))
    except BadSignature:
        return []
    return found


def _signer(request: Request) -> URLSafeSerializer:
    return URLSafeSerializer(panel_of(request).settings.signing_key, salt="panel flash")
