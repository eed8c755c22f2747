"""Many changes to one entity's records at once: all of them, or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm import access, schemas
from crm.entity import ALL_VERBS, Verb, entity_of, name_of
from crm.errors import BadInput, CrmError, FieldError, field_error
from crm.services import records
from crm.services.chunks import chunks

LIMIT = 1000
LARGEST_KEY = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be done, in this order: values to create, (number, values, version) to update, numbers to delete."""

    create: list[dict[str, Any]] = field(default_factory=list)
    update: list[tuple[int, dict[str, Any], int | None]] = field(default_factory=list)
    delete: list[int] = field(default_factory=list)

    def of(self, verb: Verb) -> list[Any]:
        found: list[Any] = getattr(self, verb)
        return found


def read_changes(model: type[Any], sent: Mapping[str, Any]) -> Changes:
    """Read `{"create": [{…}], "update": [{"id": 1, …}], "delete": [1, 2]}`; BadInput names every wrong row.

    A row to update may carry the `version` it was read at.
    """
    _check_lists(model, sent)
    changes, errors = Changes(), list[FieldError]()
    readers: dict[Verb, Callable[[Any], Any]] = {
        "create": lambda row: schemas.parse(model, "create", row, by="json"),
        "update": lambda row: _read_update(model, row),
        "delete": _read_key,
    }
    for verb in ALL_VERBS:
        for place, row in enumerate(sent.get(verb, ())):
            try:
                changes.of(verb).append(readers[verb](row))
            except CrmError as error:
                errors += _of_row(f"{verb}[{place}]", error)
    gone = set(changes.delete)
    errors += [
        field_error(f"update[{place}].id", "is also among the records to delete")
        for place, (key, _, _) in enumerate(changes.update)
        if key in gone
    ]
    _raise(errors)
    return changes


def apply(session: Session, model: type[Any], changes: Changes, *, each: bool = False) -> tuple[list[Any], ...]:
    """(created records, updated records, deleted numbers).  The first error ends it and loses everything.

    With `each`, every row is tried behind a savepoint and BadInput names all that fail; slower, for a second try.
    """
    errors: list[FieldError] = []
    done: dict[str, list[Any]] = {verb: [] for verb in ALL_VERBS}
    _hold(session, model, {*changes.delete, *(key for key, _, _ in changes.update)})
    for verb, name, step in _steps(session, model, changes):
        try:
            if each:
                with session.begin_nested():
                    done[verb].append(step())
            else:
                done[verb].append(step())
        except CrmError as error:
            if not each:
                raise _named(name, error) from None
            errors += _of_row(name, error)
    _raise(errors)
    return tuple(done.values())


def _hold(session: Session, model: type[Any], keys: set[int]) -> None:
    """Locked in the order of the keys, so that two who send the same records in different orders wait for each other
    instead of ending in a deadlock.
    """
    if model in access.LOCKED_FIRST:
        return
    for some in chunks(sorted(keys)):
        held = select(model.id).where(model.id.in_(some)).order_by(model.id).with_for_update(key_share=True)
        session.execute(held, execution_options={"trash": "any"})


def _steps(session: Session, model: type[Any], changes: Changes) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    for place, values in enumerate(changes.create):
        yield "create", f"create[{place}]", partial(records.create, session, model, values)
    for place, row in enumerate(changes.update):
        yield "update", f"update[{place}]", partial(_update, session, model, *row)
    marks = {f"{name_of(model)}:{key}" for key in changes.delete}
    for place, key in enumerate(changes.delete):
        yield "delete", f"delete[{place}]", partial(_delete, session, model, key, marks)


def _update(session: Session, model: type[Any], key: int, values: dict[str, Any], version: int | None) -> Any:
    return records.update(session, access.find(session, model, key, lock=True), values, expected_version=version)


def _delete(session: Session, model: type[Any], key: int, marks: set[str]) -> int:
    """What went along with an earlier row of the same request is deleted already."""
    record = access.find(session, model, key, trash="any", lock=True)
    if getattr(record, "deleted_with", None) not in marks:
        records.delete(session, access.find(session, model, key))
    return key


# ---------------------------------------------------------------------------------------------- reading


def _check_lists(model: type[Any], sent: Mapping[str, Any]) -> None:
    known = entity_of(model).verbs
    errors = [field_error(name, "is not a known field") for name in sent if name not in known]
    lists = {name: rows for name, rows in sent.items() if name in known}
    errors += [field_error(name, "must be a list") for name, rows in lists.items() if not isinstance(rows, list)]
    _raise(errors)
    count = sum(len(rows) for rows in lists.values())
    if not 1 <= count <= LIMIT:
        raise BadInput("Send 1 to %(limit)s changes at once", limit=LIMIT)


def _read_update(model: type[Any], row: Any) -> tuple[int, dict[str, Any], int | None]:
    if not isinstance(row, dict):
        raise BadInput("must be an object", errors=[field_error("", "must be an object")])
    values = {name: value for name, value in row.items() if name not in ("id", "version")}
    version = row.get("version")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise BadInput("must be a whole number", errors=[field_error("version", "must be a whole number")])
    return _read_key(row.get("id")), schemas.parse(model, "update", values, by="json"), version


def _read_key(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LARGEST_KEY:
        raise BadInput("must be the number of a record", errors=[field_error("id", "must be the number of a record")])
    return value


# ---------------------------------------------------------------------------------------------- errors


def _of_row(name: str, error: CrmError) -> list[FieldError]:
    """What is wrong with one row: `update[3].email`, or the row as a whole."""
    found = error.errors if isinstance(error, BadInput) else ()
    if not found:
        return [FieldError(name, error.template, tuple(error.params.items()))]
    return [FieldError(f"{name}.{e.field}".rstrip("."), e.template, e.params) for e in found]


def _named(name: str, error: CrmError) -> BadInput:
    return BadInput("%(row)s: %(message)s", errors=_of_row(name, error), row=name, message=str(error))


def _raise(errors: list[FieldError]) -> None:
    """One finding is the message itself; several are counted by the rows they belong to."""
    if len(errors) == 1:
        (only,) = errors
        raise BadInput("%(field)s: " + only.template, errors=errors, field=only.field, **dict(only.params))
    rows = {error.field.partition(".")[0] for error in errors}
    if len(rows) == 1:
        raise BadInput("%(count)s fields are wrong", errors=errors, count=len(errors))
    if errors:
        raise BadInput("%(count)s rows are wrong; nothing was changed", errors=errors, count=len(rows))
