"""`GET /api/search?q=`: one search over customers, contacts, opportunities, tasks and files."""

from __future__ import annotations

from typing import Any

from crm.api.call import Call
from crm.api.envelope import Answer, success
from crm.api.json_schema import NUMBER, TEXT, listed, many, record
from crm.api.query import pairs, whole
from crm.api.routing import TOKEN, Endpoint, Method, Parameter, Schema
from crm.errors import invalid
from crm.services.search import KINDS, MOST, Hit, search

LONGEST = 200
_KIND: Schema = {"type": "string", "enum": list(KINDS)}
HIT = record(
    type=_KIND, id=NUMBER, title=TEXT, subtitle={"type": "string", "description": "A word more: city, e-mail …"}
)
PARAMETERS = (
    Parameter(
        "q",
        "What is looked for: words, the beginning of a word, a number, two Chinese characters.",
        {"type": "string", "minLength": 1, "maxLength": LONGEST},
        required=True,
    ),
    Parameter("types", "Only these, separated by commas.", listed(KINDS)),
    Parameter("limit", "Most of each type.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": 8}),
)


def routes() -> list[Endpoint]:
    method = Method(
        _search,
        TOKEN,
        "Find records by their words, as far as the caller may view them; best first.",
        parameters=PARAMETERS,
        data=record(list=many(HIT)),
        errors=(400, 401),
        tag="Search",
        operation_id="search",
    )
    return [Endpoint("/search", {"GET": method})]


async def _search(call: Call) -> Answer:
    given = pairs(call.query)
    typed, kinds = given.pop("q", ""), _kinds(given.pop("types", ""))
    limit = whole("limit", given.pop("limit", "8"), MOST)
    if given:
        raise invalid(next(iter(given)), "is not a known parameter")
    if not typed.strip():
        raise invalid("q", "is required")
    if len(typed) > LONGEST:
        raise invalid("q", "must have at most %(most)s characters", most=LONGEST)
    hits = await call.read(lambda session: search(session, typed, kinds=kinds, limit=limit))
    return success({"list": [_shown(hit) for hit in hits]})


def _shown(hit: Hit) -> dict[str, Any]:
    return {"type": hit.kind, "id": hit.id, "title": hit.title, "subtitle": hit.subtitle}


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(kind.strip() for kind in text.split(",")) if text else tuple(KINDS)
    if not set(kinds) <= set(KINDS):
        raise invalid("types", "must be one of: %(known)s", known=", ".join(KINDS))
    return kinds
