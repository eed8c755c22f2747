"""Answers of the API: the envelope `{"code", "message", "data"}`, and every error in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from crm.errors import BadInput, CrmError, TooManyRequests, Unauthenticated, Unavailable
from crm.outages import RETRY_AFTER_S

#: instants end in Z; whatever has no zone would be UTC
JSON_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC
Header = tuple[bytes, bytes]


@dataclass(slots=True)
class Answer:
    """A finished answer: status, bytes, and headers besides type and length (names in lower case)."""

    status: int
    body: bytes
    headers: list[Header] = field(default_factory=list)
    media_type: bytes = b"application/json"


def success(data: Any = None, message: str = "Success", *, headers: list[Header] | None = None) -> Answer:
    """200 with the envelope."""
    body = orjson.dumps({"code": 200, "message": message, "data": data}, option=JSON_OPTIONS)
    return Answer(200, body, headers or [])


def bare(data: Any, status: int = 200, *, headers: list[Header] | None = None) -> Answer:
    """A body without the envelope, as document 004 has it for users."""
    return Answer(status, orjson.dumps(data, option=JSON_OPTIONS), headers or [])


def failure(status: int, message: str, *, headers: list[Header] | None = None, **more: Any) -> Answer:
    """An error in the envelope; `more` are keys beside it, such as `errors`."""
    body = orjson.dumps({"code": status, "message": message, "data": None, **more})
    return Answer(status, body, headers or [])


def refusal(error: CrmError) -> Answer:
    """A CrmError as its answer, with the headers its status calls for."""
    more: dict[str, Any] = {}
    headers: list[Header] = []
    if isinstance(error, BadInput) and error.errors:
        more["errors"] = [{"field": e.field, "message": e.message} for e in error.errors]
    if isinstance(error, TooManyRequests):
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    if isinstance(error, Unavailable):
        headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
    if isinstance(error, Unauthenticated):
        headers.append((b"www-authenticate", b"Bearer"))
    return failure(error.status, str(error), headers=headers, **more)
