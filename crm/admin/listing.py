"""What the list template is given: columns, rows, filters, chips, pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from crm import formats
from crm.actor import Actor
from crm.admin import cells, labels, paths, queries
from crm.admin.asked import SIZES, Asked
from crm.admin.cells import Cell
from crm.db import actor_of
from crm.entity import entity_of
from crm.fields import Field, Kind, fields_of, related
from crm.i18n import gettext, lazy

#: seconds are drawn as durations, so their heading names no unit
_LABELS = {"seconds_in_stage": lazy("Time in stage"), "seconds_in_status": lazy("Time in status")}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `known` says whether `total` is exact (else it is the cap)."""

    rows: list[dict[str, Any]]
    number: int
    total: int
    known: bool


def read(session: Session, model: type[Any], asked: Asked) -> tuple[Asked, Page]:
    """The page asked for, or the last one there is; five or six statements, however many rows."""
    found = queries.narrowed(model, asked)
    total, known = queries.count(session, found, exact=asked.exact)
    if known:
        asked = _at(asked, min(asked.page, max(1, -(-total // asked.size))))
    # nothing is looked for twice: to find no row in the order of an index may take long
    rows = queries.read_page(session, model, entity_of(model).list, asked) if total else []
    if not rows and asked.page > 1:  # beyond the cap and beyond the end: count once, exactly
        total, known = queries.count(session, found, exact=True)
        asked = _at(asked, max(1, -(-total // asked.size)))
        rows = queries.read_page(session, model, entity_of(model).list, asked)
    trash = "only" if asked.trash else "live"
    drawn = draw(session, model, entity_of(model).list, rows, trash=trash)
    return asked, Page(drawn, asked.page, total, known)


def _at(asked: Asked, page: int) -> Asked:
    return asked if asked.page == page else Asked(**{**_as_dict(asked), "page": page})


def _as_dict(asked: Asked) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in Asked.__dataclass_fields__}


def draw(
    session: Session, model: type[Any], names: Sequence[str], rows: Sequence[Any], *, trash: str = "live"
) -> list[dict[str, Any]]:
    """Rows {id, url, edit_url, cells} with every reference named."""
    actor, fields = actor_of(session), fields_of(model)
    named = labels.resolve_rows(session, model, names, rows)
    keys = [row.id for row in rows]
    many = {
        name: queries.read_many(session, model, fields[name], keys)
        for name in names
        if keys and fields[name].kind is Kind.REFERENCES
    }
    drawn = []
    for row in rows:
        shown = [_cell(model, fields[name], row, named, many, actor) for name in names]
        edit = paths.edit_of(model, row.id) if "update" in entity_of(model).verbs and trash == "live" else ""
        url = paths.details_of(model, row.id)
        drawn.append({"id": row.id, "title": shown[0].text, "url": url, "edit_url": edit, "cells": shown})
    return drawn


def _cell(
    model: type[Any],
    field: Field,
    row: Any,
    named: labels.Labels,
    many: dict[str, dict[int, list[tuple[int, str]]]],
    actor: Actor,
) -> Cell:
    if field.kind is Kind.REFERENCES:
        return cells.references(related(model, field), many[field.name].get(row.id, []), actor)
    return cells.cell(model, field, row, named, actor)


def columns(model: type[Any], asked: Asked, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Headers; a click on a sorted one turns it round."""
    entity, fields, here = entity_of(model), fields_of(model), paths.list_of(model)
    current = asked.sort or entity.order.removeprefix("-")
    descending = asked.descending if asked.sort else entity.order[0] == "-"
    made = []
    for name in names or entity.list:
        field, sorted_now = fields[name], name == current
        kind = "reference" if name == "record_id" else field.kind.value
        turn = "desc" if sorted_now and not descending else "asc"
        sortable = name in entity.sort
        made.append(
            {
                "name": name,
                "label": str(_LABELS.get(field.name) or gettext(field.label)),
                "kind": kind,
                "target": field.target,
                "sortable": sortable,
                "sorted": ("desc" if descending else "asc") if sorted_now else None,
                "sort_url": paths.with_query(here, asked.changed(sortBy=name, sort=turn)) if sortable else "",
                "align": cells.align(kind),
            }
        )
    return made


def one_due(
    columns: list[dict[str, Any]], rows: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """For small tables: a task is due at a time or on a day, so one column is enough for both."""
    names = [column["name"] for column in columns]
    if "due_at" not in names or "due_date" not in names:
        return columns, rows
    at, day = names.index("due_at"), names.index("due_date")
    for row in rows:
        shown = list(row["cells"])
        shown[at] = shown[at] if shown[at].text else shown[day]
        row["cells"] = shown[:day] + shown[day + 1 :]
    return columns[:day] + columns[day + 1 :], rows


def paging(model: type[Any], asked: Asked, page: Page) -> dict[str, Any]:
    """1–25 of 10,000+, and the ways to other pages."""
    here, first = paths.list_of(model), (page.number - 1) * asked.size
    last = first + len(page.rows)
    more = last < page.total or (not page.known and len(page.rows) == asked.size)
    return {
        "number": page.number,
        "size": asked.size,
        "from": first + 1 if page.rows else 0,
        "to": last,
        "total": page.total,
        "total_label": formats.number(page.total) + ("" if page.known else "+"),
        "exact_url": "" if page.known else paths.with_query(here, asked.changed(count="exact")),
        "prev_url": paths.with_query(here, asked.changed(page=page.number - 1)) if page.number > 1 else "",
        "next_url": paths.with_query(here, asked.changed(page=page.number + 1)) if more else "",
        "sizes": [
            {"n": n, "url": paths.with_query(here, asked.changed(pageSize=n)), "active": n == asked.size} for n in SIZES
        ],
    }
