"""`/unsubscribe/{token}`: the page behind the link in business mail, for people who have no account here.

GET changes nothing (scanners of mail follow links); POST does it, from the page's button or, as RFC 8058 has it, by the
reader's mail program, which sends neither cookie nor Origin.  The signed token is all the right there is.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route

from crm import i18n, outages
from crm.actor import system
from crm.admin import panel
from crm.admin.headers import Headers
from crm.db import Database
from crm.errors import BadInput, TooManyRequests
from crm.i18n import error_text
from crm.mail.unsubscribe_links import PATH
from crm.services import unsubscribing
from crm.settings import Settings

_TEMPLATE = "crm/unsubscribe.html"


def mount(database: Database, settings: Settings) -> Mount:
    """The page's own small application, beside the panel."""
    inner = Starlette(
        routes=[Route("/{token}", page, methods=["GET", "POST"])],
        middleware=[Middleware(Headers, away=_away, crashed=_crashed)],
    )
    inner.state.database, inner.state.settings = database, settings
    return Mount(PATH, app=inner)


async def page(request: Request) -> Response:
    """Asks on GET, does it on POST; what we did not sign is not found."""
    i18n.use(i18n.negotiate(request.query_params.get("lang"), accept=request.headers.get("accept-language", "")))
    state, token = request.app.state, request.path_params["token"]
    caller = request.client.host if request.client else ""
    actor = system("unsubscribe")
    try:
        async with state.database.transaction_async(actor) as session:
            address = await session.run_sync(unsubscribing.recipient, state.settings, token, ip=caller)
    except TooManyRequests as error:
        return _answer(request, 429, error=error_text(error), retry_after_s=error.retry_after_s)
    if address is None:
        return _answer(request, 404)
    if request.method == "POST":
        await _unsubscribe(state.database, address)
    async with state.database.read_only_async(actor) as session:
        done = await session.run_sync(unsubscribing.is_done, address)
    return _answer(request, 200, address=unsubscribing.masked(address), done=done)


def _away(request: Request) -> Response:
    return _answer(request, 503, error=i18n.gettext(outages.GONE))


def _crashed(request: Request) -> Response:
    return _answer(request, 500, error=i18n.gettext("Something went wrong. It has been noted; please try again."))


async def _unsubscribe(database: Database, address: str) -> None:
    try:
        async with database.transaction_async(system("unsubscribe")) as session:
            await session.run_sync(unsubscribing.unsubscribe, address)
    except BadInput:  # pressed twice at once: the other one has done it
        return


def _answer(request: Request, status: int, *, retry_after_s: int = 0, **context: object) -> Response:
    known = {
        "request": request,
        "csp_nonce": request.scope["state"]["nonce"],
        "lang": i18n.current(),
        "flashes": [],
        "status": status,
        "done": False,
    }
    text = panel.environment().get_template(_TEMPLATE).render({**known, **context})
    answer = HTMLResponse(text, status, headers={"X-Robots-Tag": "noindex"})
    if retry_after_s:
        answer.headers["Retry-After"] = str(retry_after_s)
    return answer
