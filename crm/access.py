"""Who sees which rows: one clause, used by the session criteria, the prepared selects, and every single check.

Importing this module makes every CrmSession read only what its actor may see: rows within the scope of the view
permission, and not in the trash.  Execution options widen it where a service has a reason:
`unscoped=True` (all rows) and `trash="any"` or `trash="only"`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, event, false, inspect, or_, select, true
from sqlalchemy.orm import LoaderCriteriaOption, ORMExecuteState, Session
from sqlalchemy.sql import visitors
from sqlalchemy.sql.schema import Table

from crm.actor import Actor, Scope
from crm.db import GUARDS, CrmSession, actor_of
from crm.entity import RECORD, REGISTRY, entity_of, name_of, permission, title_of
from crm.errors import Forbidden, NotFound
from crm.models.user import user_team

NO_PERMISSION = "Forbidden"
#: model → what locks the thing that changes of several of its rows wait for, before the first of these rows
LOCKED_FIRST: dict[type[Any], Callable[[Session, int], None]] = {}


# ---------------------------------------------------------------------------------------------- the clause


def visible(model: type[Any], actor: Actor, *, trash: str = "live") -> ColumnElement[bool]:
    """Rows of `model` the actor may see.  `trash`: `live`, `only` or `any`."""
    return and_(reach(model, actor, actor.scope(permission(model, "view")), verb="view"), in_trash(model, trash))


def reach(model: type[Any], actor: Actor, scope: Scope | None, *, verb: str = "update") -> ColumnElement[bool]:
    """Rows of `model` within one scope of the actor; reference data (no owner) is within any.

    Where a linked record decides too, it is the actor's `view` or else `update` of that record.
    """
    entity = entity_of(model)
    if scope is Scope.ALL or not (entity.owner or entity.through):
        return true()
    if scope is None:
        return false()
    if entity.through == RECORD:
        links = (_linked(model, target, actor, verb) for target in linkable(model))
        return or_(_owned(model, entity.owner, actor, scope), *links)
    if entity.through:
        relation = inspect(model).relationships[entity.through]
        parent, key = relation.mapper.class_, next(iter(relation.local_columns))
        # of the table, not of the class: the session would take out the trash, and what is told of it
        number = inspect(parent).columns["id"]
        within: ColumnElement[bool] = key.in_(select(number).where(reach(parent, actor, scope)))
        return within
    return _owned(model, entity.owner, actor, scope)


def linkable(model: type[Any]) -> list[type[Any]]:
    """The entities whose records rows of `model` may hang on: what people write, search for and put into the trash."""
    if entity_of(model).through != RECORD:
        return []
    return [target for _, target in sorted(REGISTRY.items()) if target is not model and _is_linkable(target)]


def deciding(model: type[Any]) -> list[type[Any]]:
    """The entities whose permissions decide which rows of `model` are visible: itself first."""
    return [model, *linkable(model)]


def _is_linkable(target: type[Any]) -> bool:
    entity, columns = entity_of(target), inspect(target).columns
    written = "update" in entity.verbs and entity.section != "Administration" and entity.through != RECORD
    return written and "deleted_at" in columns and "search_text" in columns


def _linked(model: type[Any], target: type[Any], actor: Actor, verb: str) -> ColumnElement[bool]:
    """Rows whose linked record is a live `target` the actor sees, and may change if that is what `verb` asks."""
    names = {permission(target, "view"), permission(target, "view" if verb == "view" else "update")}
    if not all(actor.may(name) for name in names):
        return false()
    columns = inspect(model).columns
    within = (reach(target, actor, actor.scope(name)) for name in names)
    record = select(target.id).where(target.id == columns["record_id"], in_trash(target, "live"), *within)
    return and_(columns["record_type"] == name_of(target), record.exists())


def in_trash(model: type[Any], trash: str) -> ColumnElement[bool]:
    """Live rows, trashed rows, or both; a table without a trash has live rows only."""
    column: ColumnElement[Any] | None = inspect(model).columns.get("deleted_at")
    if trash == "any":
        return true()
    if column is None:
        return true() if trash == "live" else false()
    return column.is_(None) if trash == "live" else column.is_not(None)


def _owned(model: type[Any], owner: str, actor: Actor, scope: Scope) -> ColumnElement[bool]:
    columns = inspect(model).columns
    mine: ColumnElement[bool] = columns[owner] == actor.user_id
    if scope is Scope.OWN or not actor.team_ids:
        return mine
    teams = sorted(actor.team_ids)
    if "team_id" in columns:
        return or_(mine, columns["team_id"].in_(teams))
    members = select(user_team.c.user_id).where(user_team.c.team_id.in_(teams))
    return or_(mine, columns[owner].in_(members))


# ---------------------------------------------------------------------------------------------- single checks


def require(actor: Actor, name: str | None) -> None:
    """Raise Forbidden without the permission; None stands for "a token is enough"."""
    if not actor.may(name):
        raise Forbidden(NO_PERMISSION)


def require_for(session: Session, record: Any, verb: str) -> None:
    """Raise Forbidden unless the actor may do `verb` to this very record (which they can see)."""
    model, actor = type(record), actor_of(session)
    name = permission(model, verb)
    require(actor, name)
    _require_owner(actor, record, verb)
    scope = actor.scope(name)
    same = scope == actor.scope(permission(model, "view")) and entity_of(model).through != RECORD
    if scope is Scope.ALL or same:
        return
    within = select(model.id).where(model.id == record.id, reach(model, actor, scope))
    if session.scalar(within, execution_options={"unscoped": True}) is None:
        raise Forbidden(NO_PERMISSION)


def _require_owner(actor: Actor, record: Any, verb: str) -> None:
    """Nobody may lend themselves the rights of another, or the system's."""
    entity = entity_of(type(record))
    if verb in entity.owner_alone and not actor.everything and getattr(record, entity.owner) != actor.user_id:
        raise Forbidden("This acts with its owner's rights: only its owner may do that")


def allows(session: Session, record: Any, verb: str) -> bool:
    """Whether `require_for` would let it pass: for buttons that are shown only to those who may press them."""
    try:
        require_for(session, record, verb)
    except Forbidden:
        return False
    return True


def find(session: Session, model: type[Any], key: int, *, trash: str = "live", lock: bool = False) -> Any:
    """The record, or NotFound: absent, in the trash and not yours look alike.

    `lock` keeps others from changing it until this transaction ends; on SQLite every writing transaction does.
    """
    if lock and model in LOCKED_FIRST:
        LOCKED_FIRST[model](session, key)
    wait = {"key_share": True} if lock else None
    options = {"trash": trash}
    record = session.get(model, key, execution_options=options, with_for_update=wait) if abs(key) < 2**63 else None
    if record is None or (trash == "live" and getattr(record, "deleted_at", None) is not None):
        raise NotFound("%(what)s not found", what=title_of(model))
    return record


def is_visible(session: Session, model: type[Any], key: int) -> bool:
    """Whether there is such a live record and the actor sees it: a lean statement, kept beside the criteria."""
    kept, name = actor_of(session).criteria, ("is visible", model)
    if name not in kept:
        number = inspect(model).columns["id"]
        kept[name] = select(number).where(number == bindparam("key"), visible(model, actor_of(session)))
    return session.connection().scalar(kept[name], {"key": key}) is not None


# ---------------------------------------------------------------------------------------------- session criteria


@event.listens_for(CrmSession, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    actor = actor_of(state.session)
    options = state.execution_options
    if options.get("unscoped") or state.is_column_load:
        return
    if state.is_update or state.is_delete:
        raise RuntimeError(
            "UPDATE and DELETE of many rows pass by scope and audit; say unscoped=True where that is meant"
        )
    if not state.is_select:
        return
    if not state.is_orm_statement and any(True for _ in _entities(state)):
        raise RuntimeError("a select of bare table columns passes by the scope; select attributes of the mapped class")
    trash = str(options.get("trash", "live"))
    criteria = [_criterion(model, actor, trash) for model in _entities(state)]
    state.statement = state.statement.options(*[c for c in criteria if c is not None])


def _entities(state: ORMExecuteState) -> Iterator[type[Any]]:
    """The entities a statement may read: those whose tables it names; all, where eager loading may add more."""
    statement = state.statement
    if not isinstance(statement, Select) or statement._with_options:
        yield from list(REGISTRY.values())
        return
    seen: set[str] = set()
    for element in visitors.iterate(statement):
        if isinstance(element, Table):
            seen.add(element.name)
    yield from (REGISTRY[name] for name in sorted(seen & REGISTRY.keys()))


class _Criterion(LoaderCriteriaOption):
    """A loader criterion that is adapted to an alias in explicit joins too, where SQLAlchemy leaves it on the table."""

    _traverse_internals = LoaderCriteriaOption._traverse_internals

    def _resolve_where_criteria(self, ext_info: Any) -> ColumnElement[bool]:
        clause = super()._resolve_where_criteria(ext_info)
        return ext_info._adapter.traverse(clause) if ext_info.is_aliased_class else clause


def _criterion(model: type[Any], actor: Actor, trash: str) -> Any:
    """The loader option for one entity, made once for an actor; None where nothing is narrowed."""
    key = (model, trash)
    if key not in actor.criteria:
        clause = visible(model, actor, trash=trash)
        free = clause.compare(and_(true(), true()))
        option = _Criterion(model, clause, include_aliases=True, propagate_to_loaders=False)
        actor.criteria[key] = None if free else option
    return actor.criteria[key]


GUARDS.add("access")
