"""Create, change, delete, restore and purge a record of any entity: the one write path of every door.

Values are keyed by attribute names (`customer_id`, `tags` as a list of numbers) and already parsed by
`crm.schemas.parse`.  Functions flush and never commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from crm import access
from crm.columns import now
from crm.db import actor_of
from crm.entity import entity_of, extras_of, permission, rules_of, title_of
from crm.errors import BadInput, Conflict, Forbidden, StaleVersion
from crm.insertion import insert_alone
from crm.services import trash
from crm.services.assignment import Values as Values
from crm.services.assignment import assign, assign_hidden, ownership
from crm.services.chunks import chunks
from crm.services.dependents import Group, has_trash
from crm.services.integrity import sentence

Function = TypeVar("Function", bound=Callable[..., None])
Result = TypeVar("Result")
#: the version a change is meant for, or any of several; None: whatever it is by now
Expected = int | frozenset[int] | None
STALE = "Somebody else changed this record in the meantime"


def create(session: Session, model: type[Any], values: Values, *, hidden: Values | None = None) -> Any:
    """A new record, owned by the actor unless `values` says otherwise.

    `hidden` are attributes that no door may send and services derive, such as a password's hash.
    """
    _allowed(model, "create")
    access.require(actor_of(session), permission(model, "create"))
    record = model(**ownership(session, model))
    columns, extras = _split(model, values)
    assign(session, record, columns)
    assign_hidden(record, hidden)
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
    expected_version: Expected = None,
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
        assign(session, record, columns)
        assign_hidden(record, hidden)
    _apply_rules(session, record, frozenset({*columns, *(hidden or ())}))
    flush(session, model)
    _write_extras(session, record, extras)
    return record


def delete(session: Session, record: Any, *, expected_version: Expected = None) -> None:
    """Move to the trash, with what hangs on it; what has no trash is deleted for good."""
    check_version(record, expected_version)
    delete_many(session, [record])


def delete_many(session: Session, records: Sequence[Any]) -> None:
    """`delete` for many records of one entity: all, or none."""
    if not records:
        return
    model, moment = type(records[0]), now()
    _allowed(model, "delete")
    for record in records:
        access.require_for(session, record, "delete")
        _guard(session, record)
        if has_trash(model):
            record.deleted_at = moment
        else:
            session.delete(record)
    flush(session, model)
    if has_trash(model):
        trash.take_along(session, records, check=_guard_group)


def restore(session: Session, record: Any) -> Any:
    """Take out of the trash, with what went there along with it; Conflict where a unique name has been taken since."""
    restore_many(session, [record])
    return record


def restore_many(session: Session, records: Sequence[Any]) -> int:
    """`restore` for many records of one entity; how many came back along with them."""
    if not records:
        return 0
    model = type(records[0])
    for record in records:
        access.require_for(session, record, "delete")
        for guard in RESTORE_GUARDS.get(model, ()):
            guard(session, record)
    marks = _marks(records)
    for record in records:
        record.deleted_at = record.deleted_with = None
    try:
        flush(session, model)
        return _run(model, trash.bring_back, session, model, marks)
    except BadInput as error:
        raise Conflict(error.template, **error.params) from None


def purge(session: Session, record: Any) -> None:
    """Delete a trashed record for good, with what went there along with it; Conflict while others refer to it."""
    purge_many(session, [record])


def purge_many(session: Session, records: Sequence[Any]) -> None:
    """`purge` for many records of one entity."""
    if not records:
        return
    model = type(records[0])
    for record in records:
        access.require_for(session, record, "purge")
    if any(getattr(record, "deleted_at", None) is None for record in records):
        raise Conflict("Only what is in the trash can be deleted for good")
    _run(model, trash.purge_along, session, model, _marks(records))
    for record in records:
        session.delete(record)
    flush(session, model)


def is_new(record: Any) -> bool:
    """Whether the record has not been stored yet (rules ask)."""
    return not inspect(record).has_identity


def check_version(record: Any, expected: Expected) -> None:
    """Raise StaleVersion if somebody changed the record since the caller read it, or nobody counts its versions."""
    known = expected if isinstance(expected, frozenset) else (expected,)
    if expected is not None and getattr(record, "version", None) not in known:
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


#: model → checks that may refuse a deletion, or a restoration: guard(session, record)
DELETE_GUARDS: dict[type[Any], tuple[Any, ...]] = {}
RESTORE_GUARDS: dict[type[Any], tuple[Any, ...]] = {}


def guard_delete(model: type[Any]) -> Callable[[Function], Function]:
    """Declare a check that runs before a record of `model` is moved to the trash."""

    def declare(guard: Function) -> Function:
        DELETE_GUARDS[model] = (*DELETE_GUARDS.get(model, ()), guard)
        return guard

    return declare


def guard_restore(model: type[Any]) -> Callable[[Function], Function]:
    """Declare a check that runs before a record of `model` is taken out of the trash."""

    def declare(guard: Function) -> Function:
        RESTORE_GUARDS[model] = (*RESTORE_GUARDS.get(model, ()), guard)
        return guard

    return declare


# ---------------------------------------------------------------------------------------------- inside


def _guard(session: Session, record: Any) -> None:
    for guard in DELETE_GUARDS.get(type(record), ()):
        guard(session, record)


def _guard_group(session: Session, group: Group) -> None:
    """What goes along may be kept back as if it were deleted by itself."""
    if group.model in DELETE_GUARDS:
        for keys in chunks(sorted(group.roots)):
            wanted = select(group.model).where(group.model.id.in_(keys))
            for record in session.scalars(wanted, execution_options={"unscoped": True}):
                _guard(session, record)


def _marks(records: Sequence[Any]) -> dict[int, str]:
    """What went along with each: with one that went along itself, all that bears the same mark and hangs on it."""
    return {record.id: getattr(record, "deleted_with", None) or trash.mark_of(record) for record in records}


def _run(model: type[Any], act: Callable[..., Result], *arguments: Any) -> Result:
    """What the database refuses becomes a sentence for the user."""
    try:
        return act(*arguments)
    except IntegrityError as error:
        raise sentence(error, model) from None


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
