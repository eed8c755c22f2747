"""Error pages: sentences for people, with the menu if somebody is signed in."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from crm import outages
from crm.admin import pages, paths
from crm.admin.door import LANGUAGE_COOKIE
from crm.admin.visitor import Visitor, visitor_of
from crm.errors import CrmError, Unavailable
from crm.i18n import error_text, gettext, lazy, negotiate, use
from crm.logs import logger, request_id

log = logger(__name__)
_HEADINGS = {401: lazy("You are signed out"), 403: lazy("No access"), 404: lazy("Not found")}
_OTHERWISE = lazy("That did not work")
_ICONS = {403: "lock", 404: "file-unknown"}
_SENTENCES = {
    400: lazy("This request makes no sense."),
    403: lazy("You are not allowed to do this."),
    404: lazy("There is nothing here, or it is not yours to see."),
    405: lazy("This cannot be done that way."),
}


async def on_http_error(request: Request, error: Exception) -> Response:
    """404 of the router, 405, and what our own code raises as such; a redirect passes through."""
    assert isinstance(error, HTTPException)
    if error.headers and "location" in {name.lower() for name in error.headers}:
        return RedirectResponse(dict(error.headers)["location"], error.status_code)
    sentence = gettext(_SENTENCES.get(error.status_code, "Something went wrong."))
    answer = page(request, sentence, error.status_code)
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def on_crm_error(request: Request, error: Exception) -> Response:
    """What services refuse."""
    assert isinstance(error, CrmError)
    sentence = gettext(_SENTENCES[403]) if error.status == 403 else error_text(error)
    if error.status == 404 and not _for_scripts(request):
        sentence = gettext(_SENTENCES[404])
    answer = page(request, sentence, error.status)
    if isinstance(error, Unavailable):
        answer.headers["Retry-After"] = str(outages.RETRY_AFTER_S)
    return answer


def away(request: Request) -> Response:
    """While the database does not answer: nobody knows who asks, so neither their language nor their menu."""
    _as_somebody(request)
    return page(request, gettext(outages.GONE), Unavailable.status)


def crashed(request: Request) -> Response:
    """After what nobody foresaw; one line of text, should drawing a page fail as well."""
    _as_somebody(request)
    sentence = gettext("Something went wrong. It has been noted; please try again.")
    try:
        return page(request, sentence, 500)
    except Exception as error:
        log.error("error_page_failed", error=type(error).__name__, exc_info=True)
        return Response(sentence, 500, media_type="text/plain; charset=utf-8")


def refused(request: Request, sentence: str, status: int) -> Response:
    """What the door turns away: a form from elsewhere, one that is too old or too large, one after signing out."""
    return page(request, sentence, status, heading="" if status == 401 else _OTHERWISE)


def _as_somebody(request: Request) -> None:
    if "visitor" not in request.scope["state"]:
        request.scope["state"]["visitor"] = Visitor(None, "", "")
        use(negotiate(request.cookies.get(LANGUAGE_COOKIE), accept=request.headers.get("accept-language", "")))


def _for_scripts(request: Request) -> bool:
    return "ajax" in request.url.path or request.headers.get("accept", "").startswith("application/json")


def _sign_in_url(request: Request) -> str:
    back = pages.came_from(request)
    return paths.to("login", next=back) if back else paths.to("login")


def page(request: Request, sentence: str, status: int, *, heading: str = "") -> Response:
    """As a page, inside the menu of whoever is signed in, or as JSON for scripts that ask for it."""
    if _for_scripts(request):
        return JSONResponse({"message": sentence}, status)
    title = gettext(heading or _HEADINGS.get(status, _OTHERWISE))
    known = visitor_of(request).actor is not None
    context = {
        "page_title": title,
        "message": sentence,
        "icon": _ICONS.get(status, "alert-triangle"),
        "breadcrumbs": [{"label": title, "url": ""}],
        "request_id": request_id.get(),
        "sign_in_url": "" if known or status != 401 else _sign_in_url(request),
    }
    return pages.render(request, f"sqladmin/error{'' if known else '_gate'}.html", context, status)
