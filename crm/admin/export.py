"""CSV of exactly what the list shows: same filters, search, order and scope, streamed in chunks.

The keys are read first (eight bytes each), then the rows five hundred at a time, each chunk in a short transaction of
its own: no writer waits, and the memory used does not grow with the table.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from crm import formats, i18n
from crm.actor import Actor
from crm.admin import asked, listing, pages, queries
from crm.admin.asked import Asked
from crm.admin.cells import Cell
from crm.admin.urls import view_of
from crm.admin.visitor import actor_of
from crm.db import Database
from crm.entity import entity_of
from crm.errors import Forbidden
from crm.fields import fields_of
from crm.i18n import gettext

CHUNK = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBERS = frozenset({"integer", "money", "fraction"})


async def export(request: Request) -> Response:
    """GET /{identity}/export/csv, with the query of the list."""
    view, actor = view_of(request), actor_of(request)
    if request.path_params["export_type"] not in view.export_types:
        raise HTTPException(404)
    wanted = asked.read(view.model, request.query_params)
    if not view.allows(actor, "export") or (wanted.trash and not view.allows(actor, "restore")):
        raise Forbidden("Forbidden")
    name = quote(f"{view.name_plural} {formats.today().isoformat()}.csv")
    lines = _lines(pages.panel_of(request).database, actor, view.model, wanted, i18n.current(), formats.zone().key)
    headers = {"Content-Disposition": f"attachment; filename=export.csv; filename*=UTF-8''{name}"}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(
    database: Database, actor: Actor, model: type[Any], wanted: Asked, language: str, zone: str
) -> AsyncIterator[str]:
    """Runs after the request's context has gone, so language and zone are set anew."""
    i18n.use(language)
    formats.use_zone(zone)
    names = entity_of(model).export or entity_of(model).list
    yield "\ufeff" + _csv([[gettext(fields_of(model)[name].label) for name in names]])
    async with database.read_only_async(actor) as session:
        keys = await session.run_sync(_keys, model, wanted)
    for start in range(0, len(keys), CHUNK):
        async with database.read_only_async(actor) as session:
            part = await session.run_sync(_part, model, names, keys[start : start + CHUNK], trash=wanted.trash)
        yield _csv(part)


def _keys(session: Session, model: type[Any], wanted: Asked) -> array[int]:
    found = queries.within_export(session, model, queries.narrowed(model, wanted))
    return queries.read_keys(session, *queries.parts(found, model, wanted))


def _part(
    session: Session, model: type[Any], names: Sequence[str], keys: Sequence[int], *, trash: bool
) -> list[list[str]]:
    rows = queries.read_by_keys(session, model, names, keys, trash="only" if trash else "live")
    drawn = listing.draw(session, model, names, rows)
    return [[plain(cell) for cell in row["cells"]] for row in drawn]


def plain(cell: Cell) -> str:
    """A cell for spreadsheets: numbers as numbers, text never as a formula."""
    if cell.value is None and not cell.text:
        return ""
    if cell.kind in _NUMBERS:
        return f"{cell.value:f}" if cell.kind != "integer" else str(cell.value)
    if cell.kind == "date":
        return str(cell.value.isoformat())
    if cell.kind == "instant":
        return f"{cell.value.astimezone(formats.zone()):%Y-%m-%d %H:%M:%S}"
    return f"'{cell.text}" if cell.text.startswith(_FORMULA) else cell.text


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
