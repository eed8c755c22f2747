"""Every answer that a test gets from the API is held against the document the API gives of itself."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from crm.api.app import all_routes
from crm.api.openapi import document
from crm.api.routing import PREFIX, Table
from crm.entity import REGISTRY

#: answers of one kind (method, route, status, parameters asked for) that are looked at in a process
ENOUGH = 3
_seen: Counter[tuple[Any, ...]] = Counter()


def hold_against_document(answer: httpx.Response) -> None:
    """A hook of the client: AssertionError if the answer is not what the document says."""
    path, method = answer.request.url.path, answer.request.method
    if not path.startswith(f"{PREFIX}/"):
        return
    found = _described(tuple(sorted(REGISTRY)))[0].find(path)
    if found is None or method.lower() not in _paths()[PREFIX + found[0].path]:
        return
    template = PREFIX + found[0].path
    kind = (method, template, answer.status_code, *sorted(answer.request.url.params.keys()))
    _seen[kind] += 1
    if _seen[kind] > ENOUGH:
        return
    answer.read()
    _check(answer, template, method.lower())


def _check(answer: httpx.Response, template: str, method: str) -> None:
    what = f"{method} {template} → {answer.status_code}"
    responses = _paths()[template][method]["responses"]
    assert str(answer.status_code) in responses, f"{what} is not described: {answer.text[:200]}"
    content = responses[str(answer.status_code)].get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is None or not answer.headers.get("content-type", "").startswith("application/json"):
        return
    found = _validator(schema).iter_errors(answer.json())
    errors = [f"{error.json_path}: {error.message[:300]}" for error in found]
    assert not errors, f"{what} does not fit its description: {errors[:5]}"


def _paths() -> dict[str, Any]:
    paths: dict[str, Any] = _described(tuple(sorted(REGISTRY)))[1]["paths"]
    return paths


@lru_cache(maxsize=8)
def _described(_entities: tuple[str, ...]) -> tuple[Table, dict[str, Any]]:
    """The routes of these entities, and the document about them."""
    table = Table(all_routes())
    return table, document(table.endpoints)


def _validator(schema: dict[str, Any]) -> Draft202012Validator:
    components = _described(tuple(sorted(REGISTRY)))[1]["components"]
    return Draft202012Validator({**schema, "components": components}, format_checker=FormatChecker())
