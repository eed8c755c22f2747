"""The looks at every answer of the API do see what is wrong with one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests import described


def _answer(method: str, path: str, status: int, body: Any) -> httpx.Response:
    return httpx.Response(status, json=body, request=httpx.Request(method, f"http://testserver{path}"))


@pytest.fixture(autouse=True)
def _fresh() -> None:
    described._seen.clear()


def test_what_fits_the_document_passes() -> None:
    described.hold_against_document(_answer("GET", "/api/tags/1", 404, {"code": 404, "message": "x", "data": None}))
    described.hold_against_document(_answer("GET", "/api/nothing", 404, "anything"))


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/api/tags/1", 418, {"code": 418, "message": "x", "data": None}),
        ("GET", "/api/tags/1", 404, {"message": "x"}),
        ("GET", "/api/tags/1", 200, {"code": 200, "message": "Success", "data": {"id": "1"}}),
        ("GET", "/api/tags/1", 200, {"code": 200, "message": "Success", "data": {"id": 1, "made": "up"}}),
        ("GET", "/api/users", 200, {"total": 0, "pages": 0, "currentPage": 1}),
    ],
)
def test_what_does_not_fit_is_seen(method: str, path: str, status: int, body: Any) -> None:
    with pytest.raises(AssertionError):
        described.hold_against_document(_answer(method, path, status, body))
