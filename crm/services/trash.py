"""The trash: what goes in together comes back together, and is deleted for good together.

A record that goes along bears the mark of the one it went with (`deleted_with`, such as `customer:42`).  Rows are
written in bulk, each with an audit entry of its own; `crm.services.records` calls this for every door.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm import access, audit
from crm.columns import now
from crm.db import actor_of
from crm.entity import name_of, permission, titles_of
from crm.errors import Forbidden
from crm.models.base import Base
from crm.services import rows
from crm.services.chunks import chunks
from crm.services.dependents import Group, linked, live_below, part_of, parts, trashed_below

Check = Callable[[Session, Group], None]
_UNSCOPED: dict[str, Any] = {"unscoped": True, "trash": "any"}
_SYSTEM: dict[str, Any] = {"unscoped": True, "synchronize_session": False}


def mark_of(record: Any) -> str:
    """What goes along with `record` bears this."""
    return f"{name_of(type(record))}:{record.id}"


def take_along(session: Session, records: Sequence[Any], *, check: Check) -> None:
    """Move to the trash what hangs on `records`, which are of one entity and were just moved there.

    Forbidden, naming what, unless the actor may delete all of it; `check` runs for each group before it goes.
    """
    model, moment = type(records[0]), now()
    groups = live_below(session, model, [record.id for record in records])
    for group in groups:
        _require(session, group)
        check(session, group)
    for group in groups:
        marks = {key: f"{name_of(model)}:{root}" for key, root in group.roots.items()}
        _write(session, group.model, marks, moment)


def bring_back(session: Session, model: type[Any], marks: dict[int, str]) -> int:
    """Take out of the trash what went there with these records (number → mark); how many.

    Whoever may restore the record restores all that went with it: it left as one, and nobody's reach grows by it.
    """
    groups = trashed_below(session, model, marks)
    for group in groups:
        _write(session, group.model, {key: marks[root] for key, root in group.roots.items()}, None)
    return sum(len(group.roots) for group in groups)


def purge_along(session: Session, model: type[Any], marks: dict[int, str]) -> None:
    """Delete for good what went to the trash with these records, and the parts of all of them.

    Forbidden without the permission to purge each kind of it.
    """
    groups = trashed_below(session, model, marks)
    for group in groups:
        access.require(actor_of(session), permission(group.model, "purge"))
    order = {table.name: place for place, table in enumerate(Base.metadata.sorted_tables)}
    groups.reverse()  # of one entity, what hangs deeper goes first
    for group in sorted(groups, key=lambda group: -order[name_of(group.model)]):
        _purge_parts(session, group.model, sorted(group.roots))
        _purge(session, group.model, sorted(group.roots))
    _purge_parts(session, model, sorted(marks))


def _require(session: Session, group: Group) -> None:
    seen, free = reachable(session, group)
    if len(free) == len(group.roots):
        return
    if hidden := len(group.roots) - len(seen):
        raise Forbidden("%(count)s records that you may not see would go along", count=hidden)
    raise Forbidden(
        "You may not delete what would go along: %(what)s (%(count)s)",
        what=titles_of(group.model),
        count=len(seen) - len(free),
    )


def reachable(session: Session, group: Group) -> tuple[set[int], set[int]]:
    """(numbers the actor may see, numbers the actor may delete) of a group."""
    actor, model = actor_of(session), group.model
    if actor.everything:
        return set(group.roots), set(group.roots)
    name = permission(model, "delete")
    seen: set[int] = set()
    free: set[int] = set()
    for keys in chunks(sorted(group.roots)):
        visible = select(model.id).where(model.id.in_(keys))
        seen |= set(session.scalars(visible)) if actor.may(permission(model, "view")) else set()
        within = visible.where(access.reach(model, actor, actor.scope(name)))
        free |= set(session.scalars(within)) if actor.may(name) else set()
    return seen, free & seen


def _write(session: Session, model: type[Any], marks: dict[int, str], moment: datetime | None) -> None:
    """Set the mark, or clear it."""
    stamp = audit.plain(moment)
    values = {key: {"deleted_at": moment, "deleted_with": mark if moment else None} for key, mark in marks.items()}
    told = {key: _told(stamp, mark) for key, mark in marks.items()}
    rows.write(session, model, values, action="delete" if moment else "restore", told=told)


def _told(stamp: Any, mark: str) -> audit.Changes:
    return {"deleted_at": [None, stamp], "deleted_with": [None, mark]} if stamp else {"deleted_with": [mark, None]}


# ---------------------------------------------------------------------------------------------- for good


def _purge_parts(session: Session, model: type[Any], keys: Sequence[int]) -> None:
    for child in parts(model):
        for some in chunks(keys):
            clauses = part_of(child, model, some)
            found = session.scalars(select(child.id).where(*clauses), execution_options=_UNSCOPED)
            _purge(session, child, list(found))
    _unlink(session, model, keys)


def _purge(session: Session, model: type[Any], keys: Sequence[int]) -> None:
    for some in chunks(keys):
        held = list(session.scalars(select(model).where(model.id.in_(some)), execution_options=_UNSCOPED))
        audit.note_purged(session, held)
        for row in held:
            session.expunge(row)
        gone = delete(model).where(model.id.in_(some))
        session.execute(gone, execution_options=_SYSTEM)


def _unlink(session: Session, model: type[Any], keys: Sequence[int]) -> None:
    """What else was linked to them (mail, news) is linked to nothing, rather than to whoever bears the number next."""
    values = {"record_type": None, "record_id": None}
    name = name_of(model)
    for model in linked():
        for some in chunks(keys):
            statement = update(model).where(model.record_type == name, model.record_id.in_(some)).values(values)
            session.execute(statement, execution_options=_SYSTEM)


def count(session: Session, model: type[Any], marks: dict[int, str]) -> int:
    """How many records went to the trash with these."""
    return sum(len(group.roots) for group in trashed_below(session, model, marks))
