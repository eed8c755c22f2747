"""Checklists, as tasks and series keep them: steps of a text and whether it is done."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import inspect

from crm.errors import invalid
from crm.schemas import Input, Storable, bad_input

MOST_STEPS = 100


class Step(Input):
    """One step."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=500), Storable]
    done: StrictBool = False


class _Checklist(Input):
    checklist: Annotated[list[Step], Field(max_length=MOST_STEPS)]


_SHAPE = TypeAdapter(_Checklist)


def check(record: Any) -> None:
    """BadInput names the step that is wrong, such as `checklist.3.text`; texts are trimmed, `done` filled in."""
    if not inspect(record).attrs.checklist.history.has_changes() or record.checklist is None:
        return
    try:
        read = _SHAPE.validate_python({"checklist": record.checklist})
    except ValidationError as error:
        raise bad_input(error) from None
    record.checklist = [{"text": step.text, "done": step.done} for step in read.checklist]


def ticked(checklist: list[Any], step: int, *, done: bool) -> list[Any]:
    """The checklist with one step, counted from 0, done or not; BadInput if there is no such step."""
    if not 0 <= step < len(checklist):
        raise invalid("step", "must be the number of a step, counted from 0")
    return [{**one, "done": done} if place == step else one for place, one in enumerate(checklist)]


def undone(checklist: list[Any]) -> list[Any]:
    """The same steps, all still to be done."""
    return [{**one, "done": False} for one in checklist]
