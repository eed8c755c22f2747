"""The body of a form: read whole within a limit, and handed on to whoever reads the request next."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

LARGEST = 2 * 1024 * 1024
MOST_FIELDS = 20_000


async def limited(request: Request) -> bytes | None:
    """None for more than a form may hold; the rest is then not read."""
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST:
            return None
        parts.append(chunk)
    return b"".join(parts)


async def form_of(scope: Scope, body: bytes) -> FormData:
    """Of a form without files."""
    return await Request(scope, replay(body)).form(max_fields=MOST_FIELDS, max_files=0)


def replay(body: bytes) -> Receive:
    """The body again."""
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
