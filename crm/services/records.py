"""Create, change, delete, restore and purge a record of any entity: the one write path of every door.

Values are keyed by attribute names (`customer_id`, `tags` as a list of numbers) and already parsed by
`crm.schemas.parse`.  Functions flush and never commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from crm import access
from crm.columns import now
from crm.db import actor_of
from crm.entity import entity_of, extras_of, permission, rules_of, title_of
from crm.errors import BadInput, Conflict, Forbidden, StaleVersion, invalid
from crm.fields import Field, Kind, fields_of, related
from crm.insertion import insert_alone
from crm.services.integrity import sentence

Values = Mapping[str, Any]
Function = TypeVar("Function", bound=Callable[..., None])
STALE = "Somebody else changed this record in the meantime"


def create(session: Session, model: type[Any], values: Values, *, hidden: Values | None = None) -> Any:
    """A new record, owned by the actor unless `values` says otherwise.

    `hidden` are attributes that no door may send and services derive, such as a password's hash.
    """
    _allowed(model, "create")
    access.require(actor_of(session), permission(model, "create"))
    record = model(**_ownership(session, model))
    columns, extras = _split(model, values)
    _assign(session, record, columns)
    _assign_hidden(record, hidden)
    session.add(record)
    _apply_rules(session, record, frozenset(columns))
    flush(session, model, new=record)
    _write_extras(session, record, extras)
    return record


def update(
    session: Session,
    record: Any,
    values: Values,
    *,
    expected_version: int | None = None,
    hidden: Values | None = None,
) -> Any:
    """Change the fields that are sent; StaleVersion if the record is no longer at `expected_version`.

    `hidden`: see `create`; to the rules these count as sent.
    """
    model = type(record)
    _allowed(model, "update")
    access.require_for(session, record, "update")
    check_version(record, expected_version)
    columns, extras = _split(model, values)
    with session.no_autoflush:  # the rules must still see what each value was before
        _assign(session, record, columns)
        _assign_hidden(record, hidden)
    _apply_rules(session, record, frozenset({*columns, *(hidden or ())}))
    flush(session, model)
    _write_extras(session, record, extras)
    return record


def delete(session: Session, record: Any, *, expected_version: int | None = None) -> None:
    """Move to the trash; what has no trash is deleted for good."""
    model = type(record)
    _allowed(model, "delete")
    access.require_for(session, record, "delete")
    check_version(record, expected_version)
    for guard in DELETE_GUARDS.get(model, ()):
        guard(session, record)
    if hasattr(model, "deleted_at"):
        record.deleted_at = now()
    else:
        session.delete(record)
    flush(session, model)


def restore(session: Session, record: Any) -> Any:
    """Take out of the trash; Conflict where its unique name has been taken since."""
    access.require_for(session, record, "delete")
    record.deleted_at = None
    try:
        flush(session, type(record))
    except BadInput as error:
        raise Conflict(error.template, **error.params) from None
    return record


def purge(session: Session, record: Any) -> None:
    """Delete a trashed record for good; Conflict while others still refer to it."""
    access.require(actor_of(session), permission(type(record), "purge"))
    if getattr(record, "deleted_at", None) is None:
        raise Conflict("Only what is in the trash can be deleted for good")
    session.delete(record)
    flush(session, type(record))


def is_new(record: Any) -> bool:
    """Whether the record has not been stored yet (rules ask)."""
    return not inspect(record).has_identity


def check_version(record: Any, expected: int | None) -> None:
    """Raise StaleVersion if somebody changed the record since the caller read it."""
    if expected is not None and record.version != expected:
        raise StaleVersion(STALE)


def flush(session: Session, model: type[Any], *, new: Any = None) -> None:
    """Flush; what the database refuses becomes a sentence for the user.  `new`: the record that was just added."""
    try:
        if new is None or not insert_alone(session, new):
            session.flush()
    except StaleDataError:
        raise StaleVersion(STALE) from None
    except IntegrityError as error:
        raise sentence(error, model) from None


#: model → checks that may refuse a deletion: guard(session, record)
DELETE_GUARDS: dict[type[Any], tuple[Any, ...]] = {}


def guard_delete(model: type[Any]) -> Callable[[Function], Function]:
    """Declare a check that runs before a record of `model` is moved to the trash."""

    def declare(guard: Function) -> Function:
        DELETE_GUARDS[model] = (*DELETE_GUARDS.get(model, ()), guard)
        return guard

    return declare


# ---------------------------------------------------------------------------------------------- inside


def _allowed(model: type[Any], verb: Any) -> None:
    if verb not in entity_of(model).verbs:
        raise Forbidden("%(what)s are written by the system alone", what=title_of(model))


def _split(model: type[Any], values: Values) -> tuple[Values, Values]:
    """Values of the record itself, and what is sent along with it."""
    known = extras_of(model)
    if not known:
        return values, {}
    return ({n: v for n, v in values.items() if n not in known}, {n: v for n, v in values.items() if n in known})


def _write_extras(session: Session, record: Any, extras: Values) -> None:
    for name, value in extras.items():
        extras_of(type(record))[name].write(session, record, value)


def _apply_rules(session: Session, record: Any, changed: frozenset[str]) -> None:
    for check in rules_of(type(record)):
        with session.no_autoflush:
            check(session, record, changed)


def _ownership(session: Session, model: type[Any]) -> dict[str, Any]:
    """New records belong to whoever makes them, and to their team."""
    actor, columns = actor_of(session), inspect(model).columns
    mine: dict[str, Any] = {}
    owner = entity_of(model).owner
    if owner not in ("", "id") and actor.user_id is not None:
        mine[owner] = actor.user_id
    if "team_id" in columns and actor.home_team is not None:
        mine["team_id"] = actor.home_team
    return mine


def _assign(session: Session, record: Any, values: Values) -> None:
    fields = fields_of(type(record))
    for name, value in values.items():
        field = fields[name]
        if field.kind is Kind.REFERENCES:
            setattr(record, name, _referred_many(session, type(record), field, value))
        elif value != getattr(record, name):
            if field.kind is Kind.REFERENCE and value is not None:
                _check_reference(session, type(record), field, value)
            setattr(record, name, value)
            if field.relation and record in session and inspect(record).persistent:
                session.expire(record, [field.relation])  # the relation follows its key


def _assign_hidden(record: Any, hidden: Values | None) -> None:
    for name, value in (hidden or {}).items():
        setattr(record, name, value)


def _check_reference(session: Session, model: type[Any], field: Field, key: int) -> None:
    """A record may only point at what its writer can see; itself as owner needs no look."""
    if field.target == "user" and key == actor_of(session).user_id:
        return
    target = related(model, field)
    if not access.is_visible(session, target, key):
        raise invalid(field.json, "%(what)s not found", what=title_of(target))


def _referred_many(session: Session, model: type[Any], field: Field, keys: list[int]) -> list[Any]:
    target, wanted = related(model, field), sorted(set(keys))
    if not wanted:
        return []
    found = list(session.scalars(select(target).where(target.id.in_(wanted)).order_by(target.id)))
    if len(found) != len(wanted):
        raise invalid(field.json, "%(what)s not found", what=title_of(target))
    return found
