"""The outermost wall of the panel: security headers on every answer, and no stack trace in any.

While the database is away every page is a 503 that says so, and when to come again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm import outages
from crm.logs import logger

log = logger(__name__)
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # not no-referrer: that would make browsers send "Origin: null" with every form
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
#: static files carry a hash of their content in their address
FOREVER = "public, max-age=31536000, immutable"
#: fonts are named by style sheets, without a hash
A_DAY = "public, max-age=86400"


def policy(nonce: str) -> str:
    """The Content-Security-Policy of a page whose scripts and styles bear `nonce`."""
    return (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


class Headers:
    """Makes the nonce of a request, sets headers on whatever is answered, and turns a crash into a plain sentence.

    `away` is the page for a time without a database, `crashed` the one for all else that goes wrong.
    """

    def __init__(
        self, app: ASGIApp, away: Callable[[Request], Response], crashed: Callable[[Request], Response]
    ) -> None:
        self.app, self._away, self._crashed = app, away, crashed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(18)
        scope.setdefault("state", {})["nonce"] = nonce
        started = False

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _dress(scope, MutableHeaders(scope=message), nonce, message["status"])
            await send(message)

        try:
            await self.app(scope, receive, dressed)
        except Exception as error:
            answer = self._answer(Request(scope, receive), error)
            if started:
                raise
            await answer(scope, receive, dressed)

    def _answer(self, request: Request, error: Exception) -> Response:
        if outages.unavailable(error):
            log.warning("unavailable", path=request.scope["path"], reason=type(error).__name__)
            answer = self._away(request)
            answer.headers["Retry-After"] = str(outages.RETRY_AFTER_S)
            return answer
        log.error("panel_failed", path=request.scope["path"], error=type(error).__name__, exc_info=True)
        return self._crashed(request)


def _dress(scope: Scope, headers: MutableHeaders, nonce: str, status: int) -> None:
    for name, value in _FIXED.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", policy(nonce))
    if scope.get("scheme") == "https":
        headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
    if "/statics/" in scope["path"] and status in (200, 304):
        versioned = scope.get("query_string", b"").startswith(b"v=")
        headers["Cache-Control"] = FOREVER if versioned else A_DAY
