"""One search over customers, contacts, opportunities, tasks and files, as far as the searcher may see them.

Each kind gives a bounded number of candidates from its index, so that a word that half of all records bear costs no
more than a rare one; what is found is ranked here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, String, inspect, literal, select, type_coerce, union_all
from sqlalchemy.orm import Session

from crm.access import visible
from crm.actor import Actor
from crm.db import actor_of
from crm.entity import entity_of, permission
from crm.finding import found
from crm.models.attachment import Attachment
from crm.models.contact import Contact
from crm.models.customer import Customer
from crm.models.opportunity import Opportunity
from crm.models.task import Task
from crm.search_text import is_searchable


def _has_index(model: type[Any], name: str) -> bool:
    table: Any = inspect(model).local_table
    return any(list(index.columns.keys())[:1] == [name] for index in table.indexes)


#: what is searched, the most wanted first; and the column that says more about it
KINDS: dict[str, tuple[type[Any], str]] = {
    "customer": (Customer, "city"),
    "contact": (Contact, "email"),
    "opportunity": (Opportunity, "next_step"),
    "task": (Task, "status"),
    "attachment": (Attachment, "media_type"),
}
#: kinds whose name has an index
_NAMED = frozenset(kind for kind, (model, _) in KINDS.items() if _has_index(model, entity_of(model).label))
CANDIDATES = 60
MOST = 20


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that was found: its kind, number, name, and a word more; `score` 0 (best) to 3."""

    kind: str
    id: int
    title: str
    subtitle: str
    score: int


def search(session: Session, typed: str, *, kinds: Collection[str] = tuple(KINDS), limit: int = 8) -> list[Hit]:
    """At most `limit` records of each of `kinds`, best first: the very name, a name that begins so, a word, the rest.

    A kind that the actor may not view is left out.
    """
    actor, typed = actor_of(session), " ".join(typed.replace("\x00", " ").split())
    wanted = [kind for kind in KINDS if kind in kinds and actor.may(permission(KINDS[kind][0], "view"))]
    if not wanted or not is_searchable(typed):
        return []
    selects = [one for kind in wanted for one in _candidates(kind, typed, actor)]
    rows = session.execute(union_all(*selects), execution_options={"unscoped": True})  # each is narrowed by `visible`
    known = {(row.kind, row.id): row for row in rows}.values()
    hits = [Hit(row.kind, row.id, row.title, row.subtitle or "", _score(typed, row.title)) for row in known]
    return list(_best(hits, limit))


def _candidates(kind: str, typed: str, actor: Actor) -> Iterator[Select[Any]]:
    """Records with all the words; and, so that it is never missed, the one that is called just that."""
    model, more = KINDS[kind]
    within = visible(model, actor)
    label = getattr(model, entity_of(model).label)
    word = type_coerce(getattr(model, more), String)
    columns = (literal(kind).label("kind"), model.id, label.label("title"), word.label("subtitle"))
    called = [label == typed] if kind in _NAMED else []
    for asked in (found(model, typed, actor=actor), *called):
        yield select(select(*columns).where(asked, within).limit(CANDIDATES).subquery())


def _score(typed: str, title: str) -> int:
    asked, text = typed.casefold(), title.casefold()
    if text == asked:
        return 0
    if text.startswith(asked):
        return 1
    return 2 if asked in text else 3


def _best(hits: Sequence[Hit], limit: int) -> Iterator[Hit]:
    order = list(KINDS)
    taken: dict[str, int] = {}
    for hit in sorted(hits, key=lambda h: (h.score, order.index(h.kind), len(h.title), -h.id)):
        taken[hit.kind] = taken.get(hit.kind, 0) + 1
        if taken[hit.kind] <= limit:
            yield hit
