"""What the page of one entity's record shows beyond the generated one, above its other panels.

A module that makes such a part declares it with `record_part`; its template finds what the function gave as `part`.
`draws` among that names the fields which the page need not show a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from crm.entity import name_of

#: what a part shows; None: nothing, for this record
Made = dict[str, Any] | None
Function = TypeVar("Function", bound=Callable[..., Made])
_PARTS: dict[str, list[tuple[str, str, Callable[..., Made]]]] = {}


def record_part(
    model: type[Any], template: str, *, place: str = "main", first: bool = False
) -> Callable[[Function], Function]:
    """Declare `make(session, record)`, whose answer `template` draws on the record's page: `main` or `side` column.

    `first` stands above all that was declared before.
    """

    def declare(make: Function) -> Function:
        parts = _PARTS.setdefault(name_of(model), [])
        parts.insert(0 if first else len(parts), (template, place, make))
        return make

    return declare


def parts_of(session: Session, record: Any) -> list[dict[str, Any]]:
    """The parts {template, place, …} of a record's page, in the order they were declared."""
    declared = _PARTS.get(name_of(type(record)), ())
    made = [(template, place, make(session, record)) for template, place, make in declared]
    return [{"template": template, "place": place, **part} for template, place, part in made if part is not None]
