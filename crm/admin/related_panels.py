"""The records that point at one: found in the registry, the first ten of each kind, with a way to all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from crm import formats
from crm.admin import asked, listing, paths, queries
from crm.db import actor_of
from crm.entity import RECORD, entity_of, name_of, permission, titles_of
from crm.fields import Kind, fields_of, models
from crm.i18n import gettext, lazy

FIRST = 10
COLUMNS = 5
MOST_PANELS = 8
#: what a part of the record's own page shows already
DRAWN_APART = frozenset({"opportunity_line.opportunity_id", "contact.groups"})
#: kinds whose links to that record its page shows already
_LINKS_DRAWN = frozenset({("reminder", "task")})
#: what those are called whose parent this record is
_PARTS = {
    "task": lazy("Subtasks"),
    "customer": lazy("Subsidiaries"),
    "team": lazy("Teams below"),
    "category": lazy("Categories below"),
}
#: shown otherwise than in the entity's own list, which names first what this page is about
_COLUMNS = {"status_history": ("after", "before", "reason", "changed_by", "created_at")}


def of(session: Session, model: type[Any], key: int) -> list[dict[str, Any]]:
    """Panels {label, count, columns, rows, all_url, new_url, name}: what the actor may view, if there is any."""
    actor = actor_of(session)
    panels = []
    for child, query in sorted(_children(model, key), key=_place):
        if actor.may(permission(child, "view")):
            panel = _panel(session, model, child, query)
            panels += [panel] if panel["rows"] else []
    return panels[:MOST_PANELS]


def _children(model: type[Any], key: int) -> Iterator[tuple[type[Any], dict[str, str]]]:
    """Entities whose filters find what belongs to this record, and the query that does."""
    for child in models():
        fields, filters = fields_of(child), entity_of(child).filters
        for name in filters:
            if f"{name_of(child)}.{name}" in DRAWN_APART:
                continue
            if fields[name].kind in (Kind.REFERENCE, Kind.REFERENCES) and fields[name].target == name_of(model):
                yield child, {name: str(key)}
        # what hangs on records (files) has a card of its own
        hangs = entity_of(child).through == RECORD
        drawn = hangs or (name_of(child), name_of(model)) in _LINKS_DRAWN
        if "record_type" in filters and "record_id" in inspect(child).columns and not drawn:
            yield child, {"record_type": name_of(model), "record_id": str(key)}


def _place(found: tuple[type[Any], dict[str, str]]) -> int:
    """What people look for first; the rest as the registry has it."""
    name = name_of(found[0])
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _panel(session: Session, model: type[Any], child: type[Any], query: dict[str, str]) -> dict[str, Any]:
    wanted = asked.read(child, QueryParams(query))
    shown = _COLUMNS.get(name_of(child), entity_of(child).list)
    # an amount carries its currency
    names = [name for name in shown if name not in query and name != "currency"][:COLUMNS]
    found = queries.narrowed(child, wanted)
    total, known = queries.count(session, found, exact=False)
    rows = queries.read_page(session, child, names, wanted)[:FIRST] if total else []
    by = next(iter(query))
    columns, drawn = listing.one_due(listing.columns(child, wanted, names), listing.draw(session, child, names, rows))
    return {
        "name": f"{name_of(child)}.{by}",
        "label": _label(model, child, by),
        "count": formats.number(total) + ("" if known else "+"),
        "columns": columns,
        "rows": drawn,
        "all_url": paths.list_of(child, **query),
        "new_url": paths.to(paths.identity(child), "create", **query) if "create" in entity_of(child).verbs else "",
    }


def _label(model: type[Any], child: type[Any], by: str) -> str:
    """`Contacts`; only of a person is it said what they are to these records."""
    if child is model and by == "parent_id":
        return below(model)
    label = gettext(titles_of(child))
    plain = name_of(model) != "user" or by in _OBVIOUS
    return label if plain else f"{label} · {gettext(fields_of(child)[by].label)}"


def below(model: type[Any]) -> str:
    """What records are called that point at one of their own kind: Subsidiaries, Subtasks, Users · Manager."""
    label = gettext(titles_of(model))
    if name_of(model) in _PARTS:
        return gettext(_PARTS[name_of(model)])
    by = next((f for f in fields_of(model).values() if f.kind is Kind.REFERENCE and f.target == name_of(model)), None)
    return f"{label} · {gettext(by.label)}" if by else label


_FIRST = ("opportunity", "contact", "task", "customer", "status_history")
#: a panel "Tasks" on a user needs no "by assignee"
_OBVIOUS = frozenset({"owner_id", "assignee_id", "user_id", "record_type"})
