"""Which rows a search finds: by their own words, and by what the records they point at are called.

A reference among the `search` fields of an entity stands for the label of its record: contacts are found by the name
of their company.  Those words are kept in the row itself, marked, so that one look into one index answers; they are
written anew when the record gets another name.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, event, inspect, or_, select, true, update
from sqlalchemy.orm import Session

from crm.access import visible
from crm.actor import Actor, Scope
from crm.db import CrmSession, actor_of
from crm.entity import entity_of, permission
from crm.fields import Field, Kind, fields_of, label_column, models, related
from crm.search_text import index_text, matches, own_words, referred_words, with_referred

_references: dict[type[Any], tuple[Field, ...]] = {}


def referred(model: type[Any]) -> tuple[Field, ...]:
    """The references among what is searched."""
    if model not in _references:
        fields = (fields_of(model)[name] for name in entity_of(model).search)
        _references[model] = tuple(field for field in fields if field.kind is Kind.REFERENCE)
    return _references[model]


def found(model: type[Any], typed: str, *, actor: Actor | None = None, name: str | None = None) -> ColumnElement[bool]:
    """Rows with every word of `typed`; those of other records count where the actor may see these.

    Without `actor`, the criteria of the session decide that.  With `name`, the text is a bind parameter of that name,
    and another one of `all_<name>`.
    """
    own, references = matches(model, typed, name=name), referred(model)
    if not references:
        return own
    scopes = [None if actor is None else actor.scope(permission(related(model, f), "view")) for f in references]
    if actor is not None and None in scopes:
        return own
    every = matches(model, typed, name=name and f"all_{name}", referred=True)
    if all(scope is Scope.ALL for scope in scopes):
        return every
    return or_(own, and_(every, *(_seen(model, field, actor) for field in references)))


def _seen(model: type[Any], field: Field, actor: Actor | None) -> ColumnElement[bool]:
    target, column = related(model, field), inspect(model).columns[field.name]
    rows = select(target.id).where(target.id == column)
    return (rows if actor is None else rows.where(visible(target, actor))).exists()


# ---------------------------------------------------------------------------------------------- the words kept


def words_of(session: Session, record: Any, *, is_new: bool) -> str:
    """What a record's `search_text` should be."""
    model: Any = type(record)
    references = referred(model)
    plain = (name for name in entity_of(model).search if all(name != field.name for field in references))
    words = index_text(getattr(record, name) for name in plain)
    if not references:
        return words
    state = inspect(record)
    if not is_new and not any(state.attrs[field.name].history.has_changes() for field in references):
        return " ".join([*words.split(), *referred_words(record.search_text)])
    keys = [(related(model, field), getattr(record, field.name)) for field in references]
    return with_referred(words, [_label(session, target, key) for target, key in keys if key is not None])


def is_visible(session: Session, target: type[Any], key: int) -> bool:
    """`crm.access.is_visible` of a record whose name joins the words of another: remembers it for `words_of`."""
    row = _look(session, target, key, "seen")
    if row is not None:
        _labels(session)[target, key] = row[0]
    return row is not None


def _label(session: Session, target: type[Any], key: int) -> Any:
    """What a record is called."""
    known = _labels(session)
    if (target, key) not in known:
        row = _look(session, target, key, "any")
        known[target, key] = row[0] if row is not None else ""
    return known[target, key]


def _look(session: Session, target: type[Any], key: int, whose: str) -> Any:
    """Its label, by a statement kept beside the criteria: if the actor has `seen` it, or `any`.

    It keeps that name until the transaction ends: whoever renames it waits, and finds the row that points at it.
    That is what a foreign key holds as well, so that nothing else waits for it.
    """
    kept, name = actor_of(session).criteria, ("label", target, whose)
    if name not in kept:
        table = inspect(target).local_table
        within = visible(target, actor_of(session)) if whose == "seen" else true()
        wanted = select(label_column(target)).where(table.c.id == bindparam("key"), within)
        kept[name] = wanted.with_for_update(read=True, key_share=True, of=table)
    return session.connection().execute(kept[name], {"key": key}).one_or_none()


def _labels(session: Session) -> dict[tuple[type[Any], int], Any]:
    """(entity, number) → what it is called, as far as this transaction has asked."""
    known: dict[tuple[type[Any], int], Any] = session.info.setdefault("labels", {})
    return known


@lru_cache(maxsize=1)
def _referring() -> dict[type[Any], list[tuple[type[Any], Field]]]:
    """entity → the entities that are found by its label, and the reference they have to it."""
    made: dict[type[Any], list[tuple[type[Any], Field]]] = {}
    for model in models():
        for field in referred(model):
            made.setdefault(related(model, field), []).append((model, field))
    return made


@event.listens_for(CrmSession, "before_flush")
def _hold_names(session: Session, _context: Any, _instances: Any) -> None:
    """Wait for those who have read the old name, and let nobody read it until this transaction ends: only where the
    lock comes before the change does whoever waits for it see the new name.
    """
    for model in _referring():
        keys = sorted(record.id for record in session.dirty if type(record) is model and _is_renamed(record))
        if keys:
            table = inspect(model).local_table
            held = select(table.c.id).where(table.c.id.in_(keys)).order_by(table.c.id)
            session.connection().execute(held.with_for_update())


@event.listens_for(CrmSession, "after_flush")
def _follow_names(session: Session, _context: Any) -> None:
    for record in filter(_is_renamed, session.dirty):
        model = type(record)
        _labels(session).pop((model, record.id), None)
        for child, field in _referring()[model]:
            _rename(session, child, field, record)


def _is_renamed(record: Any) -> bool:
    model = type(record)
    return model in _referring() and inspect(record).attrs[entity_of(model).label].history.has_changes()


def _rename(session: Session, child: type[Any], field: Field, record: Any) -> None:
    """All rows that point at `record`, seen or not, live or not; neither a change of theirs nor a version."""
    table, label = inspect(child).local_table, getattr(record, entity_of(type(record)).label)
    others = [f for f in referred(child) if f is not field]
    assert not others, f"{child.__name__} is found by two references; their words cannot be told apart"
    rows = select(table.c.id, table.c.search_text).where(table.c[field.name] == record.id).order_by(table.c.id)
    connection = session.connection()
    held = connection.execute(rows.with_for_update(key_share=True)).all()
    texts = [{"key": key, "text": with_referred(" ".join(own_words(text)), [label])} for key, text in held]
    if texts:
        change = update(table).where(table.c.id == bindparam("key")).values(search_text=bindparam("text"))
        connection.execute(change, texts)
    for loaded in session.identity_map.values():
        if isinstance(loaded, child) and inspect(loaded).dict.get(field.name) == record.id:
            session.expire(loaded, ["search_text"])
