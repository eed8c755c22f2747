"""Error pages: sentences for people, with the menu if somebody is signed in."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from crm import outages
from crm.admin import pages
from crm.admin.door import LANGUAGE_COOKIE
from crm.admin.visitor import Visitor
from crm.errors import CrmError, Unavailable
from crm.i18n import error_text, gettext, lazy, negotiate, use
from crm.logs import request_id

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
    answer = page(request, sentence, error.status)
    if isinstance(error, Unavailable):
        answer.headers["Retry-After"] = str(outages.RETRY_AFTER_S)
    return answer


def away(request: Request) -> Response:
    """While the database does not answer: nobody knows who asks, so neither their language nor their menu."""
    if "visitor" not in request.scope["state"]:
        request.scope["state"]["visitor"] = Visitor(None, "", "")
        use(negotiate(request.cookies.get(LANGUAGE_COOKIE), accept=request.headers.get("accept-language", "")))
    return page(request, gettext(outages.GONE), Unavailable.status)


def page(request: Request, sentence: str, status: int) -> Response:
    """As a page, or as JSON for scripts that ask for it."""
    if "ajax" in request.url.path or request.headers.get("accept", "").startswith("application/json"):
        return JSONResponse({"message": sentence}, status)
    context = {"status_code": status, "message": sentence, "request_id": request_id.get()}
    return pages.render(request, "sqladmin/error.html", context, status)
