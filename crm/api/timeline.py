"""`GET /api/customers/{id}/timeline`, and those of contacts and deals: everything that happened, paged by key."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from crm.api.call import Call
from crm.api.envelope import Answer, success
from crm.api.json_schema import INSTANT, NUMBER, TEXT, either, listed, many, record
from crm.api.query import pairs, whole
from crm.api.routing import Endpoint, Method, Parameter, Schema
from crm.entity import path_of, permission, title_of, titles_of
from crm.errors import invalid
from crm.names import camel
from crm.services import timeline
from crm.services.timeline import KINDS, LARGEST
from crm.services.timeline_entries import SUBJECTS, Entry
from crm.services.timeline_places import read_place, write_place

SIZE = 20
_KIND: Schema = {"type": "string", "enum": list(KINDS)}
ENTRY = record(
    id=NUMBER,
    kind=_KIND,
    event={"type": "string", "description": "What exactly: call, completed, stage, sent, churned, update."},
    at=INSTANT,
    title=TEXT,
    text=TEXT,
    userId=either(NUMBER),
    userName={"type": "string", "description": "Empty where it is not visible."},
    recordType=either(TEXT),
    recordId=either(NUMBER),
    recordName={"type": "string", "description": "Empty where it is not visible."},
    details={"type": "object", "description": "What one kind tells beyond the rest."},
)
_PAGING = record(pageSize={"type": "integer"}, nextCursor=either(TEXT))
_NUMBER: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST, "default": SIZE}
PARAMETERS = (
    Parameter("limit", "Entries on a page; pageSize means the same.", _NUMBER),
    Parameter("pageSize", "Entries on a page.", _NUMBER),
    Parameter("cursor", "Empty to begin, then `nextCursor` of the last answer."),
    Parameter("kinds", "Only these, separated by commas.", listed(KINDS)),
)


def routes() -> list[Endpoint]:
    return [Endpoint(f"/{path_of(model)}/{{id}}/timeline", {"GET": _method(model)}) for model in SUBJECTS]


def _method(model: type[Any]) -> Method:
    return Method(
        partial(read, model),
        permission(model, "view") or "",
        f"What happened with a {title_of(model).lower()}, newest first, as far as the caller may see it.",
        parameters=PARAMETERS,
        data=record(list=many(ENTRY), pagination=_PAGING),
        errors=(404,),
        tag=titles_of(model),
        operation_id=f"timelineOf{model.__name__}",
    )


async def read(model: type[Any], call: Call) -> Answer:
    """One page, and the cursor of the next."""
    key, given = call.number("id", title_of(model)), pairs(call.query)
    sizes = [given.pop(name) for name in ("limit", "pageSize") if name in given]
    kinds = tuple(kind for kind in given.pop("kinds", "").split(",") if kind)
    after = read_place(given.pop("cursor", ""))
    if given:
        raise invalid(next(iter(given)), "is not a known parameter")
    size = whole("limit", sizes[0], LARGEST) if sizes else SIZE
    found, following = await call.read(
        lambda session: timeline.page(session, model, key, kinds=kinds, after=after, size=size)
    )
    paging = {"pageSize": size, "nextCursor": write_place(following) if following else None}
    return success({"list": [shown(entry) for entry in found], "pagination": paging})


def shown(entry: Entry) -> dict[str, Any]:
    """An entry as the API tells it."""
    return {camel(name): value for name, value in asdict(entry).items() if name != "source"}
