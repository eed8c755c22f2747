"""The outer edge of every request: its id, security headers, one log line, and errors in the envelope."""

from __future__ import annotations

import re
import time
import uuid

from sqlalchemy import exc
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crm import outages
from crm.api.envelope import Answer, Header, failure, refusal
from crm.errors import BadInput, CrmError, Unavailable
from crm.logs import logger, request_id

_log = logger("crm.api")
_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
INTERNAL = "Internal Server Error"
#: no answer of the API is a page
POLICY: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
NO_STORE: Header = (b"cache-control", b"no-store")


class RequestIds:
    """Takes over a usable X-Request-Id or makes one, answers it, and writes one line per request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        current = _request_id(scope)
        marker = request_id.set(current)
        started, status = time.perf_counter(), 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", current.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        finally:
            _write_line(scope, status, started)
            request_id.reset(marker)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _USABLE_ID.fullmatch(text := value.decode("latin-1")):
            return str(text)
    return uuid.uuid4().hex


def _write_line(scope: Scope, status: int, started: float) -> None:
    """No values of the query: they may be somebody's name.  `route` and `user_id` are left by the doors."""
    took_ms = round((time.perf_counter() - started) * 1000, 1)
    route = scope.get("route_template") or ("" if status == 404 else scope["path"])
    _log.info("request", method=scope["method"], route=route, status=status, ms=took_ms, user_id=scope.get("user_id"))


async def send_answer(answer: Answer, send: Send) -> None:
    """Status, headers and body in two messages."""
    names = {name for name, _ in answer.headers}
    headers = [
        (b"content-type", answer.media_type),
        (b"content-length", str(len(answer.body)).encode()),
        *SECURITY,
        *(pair for pair in (NO_STORE, POLICY) if pair[0] not in names),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def error_answer(error: Exception) -> Answer:
    """Any exception as an answer; what nobody foresaw is logged and tells the caller nothing."""
    known = as_crm_error(error)
    if known is not None:
        if isinstance(known, Unavailable):
            _log.warning("unavailable", reason=type(error).__name__)
        return refusal(known)
    _log.error("unexpected error", exc_info=error)
    return failure(500, INTERNAL)


def as_crm_error(error: Exception) -> CrmError | None:
    """The error a user should read, if it is one of ours or one of a database that is away."""
    if isinstance(error, CrmError) and error.status < 500:
        return error
    if isinstance(error, exc.DataError):
        return BadInput("The body holds a value that cannot be stored")
    return outages.unavailable(error)
