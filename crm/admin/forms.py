"""The form of an entity: its declared fields, what was typed, what differs from the record, what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session
from starlette.datastructures import FormData
from wtforms import HiddenField
from wtforms.form import BaseForm

from crm.admin import inputs, labels, paths
from crm.entity import name_of
from crm.errors import BadInput, CrmError
from crm.fields import Field, Kind, fields_of, related, writable
from crm.i18n import error_text, gettext

VERSION = "version"
SNAPSHOT = "shown"
#: the fields that together point at any record (see `record_links`)
LINK = ("record_type", "record_id")


class FormValues:
    """Starlette's form data as WTForms asks for it."""

    def __init__(self, data: FormData) -> None:
        self.data = data

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def __iter__(self) -> Any:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def getlist(self, name: str) -> list[str]:
        return [value for value in self.data.getlist(name) if isinstance(value, str)]


#: entity → what its form asks for beyond its columns: the input's field, and what a record holds of it
EXTRAS: dict[str, tuple[tuple[Field, Callable[[Any], Any]], ...]] = {}


def asked(model: type[Any]) -> tuple[Field, ...]:
    """The fields of the form, in its order: those that may be written, and the extra ones."""
    return (*writable(model), *(field for field, _ in EXTRAS.get(name_of(model), ())))


#: (entity, field) → what makes its input, where it has one of its own
OWN: dict[tuple[str, str], Callable[[Field], Any]] = {}

#: entity → its unbound inputs; made once, labels and choices are translated when shown
_inputs: dict[type[Any], Any] = {}


def _declared(model: type[Any]) -> Any:
    if model not in _inputs:
        made = [(field.name, OWN.get((name_of(model), field.name), inputs.make)(field)) for field in asked(model)]
        _inputs[model] = (*made, *((name, HiddenField(name=name)) for name in (VERSION, SNAPSHOT)))
    return _inputs[model]


def blank(model: type[Any], given: Mapping[str, str] | None = None) -> BaseForm:
    """An empty form, with the fields' defaults and what is `given`, by name, as text (`customer_id`: 3)."""
    form = BaseForm(_declared(model))
    values = {f.name: inputs.raw(f, f.default) for f in asked(model)}
    for field in writable(model):
        if given and given.get(field.name) and field.kind is not Kind.BOOLEAN:
            text = given[field.name]
            values[field.name] = [text] if field.kind is Kind.REFERENCES else text
    form.process(data=values)
    return form


def filled(model: type[Any], values: Mapping[str, Any]) -> BaseForm:
    """A form that holds these raw values (see `initial`)."""
    form = BaseForm(_declared(model))
    form.process(data=dict(values))
    return form


def typed(model: type[Any], data: FormData) -> BaseForm:
    """The form as it was sent; every input keeps what was typed, right or wrong."""
    form = BaseForm(_declared(model))
    form.process(formdata=FormValues(data), data={})
    return form


def initial(model: type[Any], record: Any) -> dict[str, Any]:
    """Field → what the form of this record held when it was opened."""
    held = {field.name: inputs.raw(field, getattr(record, field.name)) for field in writable(model)}
    extras = EXTRAS.get(name_of(model), ())
    return held | {field.name: inputs.raw(field, value(record)) for field, value in extras}


def for_create(model: type[Any], form: BaseForm) -> dict[str, Any]:
    """Raw values for `schemas.parse`; what was left empty gets its default."""
    values = {field.name: inputs.sent(field, form[field.name].data) for field in asked(model)}
    return {name: v for name, v in values.items() if v not in (None, [], {}) or _empties(model, name)}


def _empties(model: type[Any], name: str) -> bool:
    """An empty optional choice or reference is said to be empty; an empty number is left to its default."""
    field = fields_of(model).get(name)
    return field is not None and field.nullable and field.default is not None


def same(field: Field, now: Any, before: Any) -> bool:
    """Whether two raw values mean the same."""
    if field.kind is Kind.REFERENCES:
        return sorted(set(now or ())) == sorted(set(before or ()))
    if field.kind is Kind.DOCUMENT:
        return bool(inputs.sent(field, now) == inputs.sent(field, before))
    if isinstance(now, str) and isinstance(before, str):
        return now.replace("\r\n", "\n") == before.replace("\r\n", "\n")
    return bool(now == before)


def name_choices(session: Session, model: type[Any], form: BaseForm) -> None:
    """Give every look-up the names of what it holds; what may not be seen is kept by key, without its name."""
    for field in writable(model):
        if field.relation is None:
            naming: Any = form[field.name]
            if isinstance(naming, inputs.Naming):
                naming.name_choices(session, form)
            continue
        look_up = form[field.name]
        assert isinstance(look_up, inputs.LookUp)
        texts = look_up.data if isinstance(look_up.data, list) else [look_up.data]
        keys = [int(t) for t in texts if t and str(t).isascii() and str(t).isdigit() and len(str(t)) < 19]
        named = labels.resolve(session, related(model, field), keys)
        look_up.selected = [{"id": str(key), "text": _told(named[key])} for key in keys]
        look_up.url = paths.to(paths.identity(model), "ajax", "lookup")


def _told(label: labels.Label) -> str:
    if label.state == "trashed":
        return gettext("%(name)s (in the trash)", name=label.text)
    return label.text


def show_errors(form: BaseForm, model: type[Any], error: CrmError) -> str:
    """Put each sentence at its field; the sentence for the top of the form is answered."""
    if not isinstance(error, BadInput) or not error.errors:
        return error_text(error)
    names = {alias: f.name for f in asked(model) for alias in (f.json, f.name)}
    elsewhere = []
    for problem in error.errors:
        name = names.get(problem.field.partition(".")[0])
        if name is None:
            elsewhere.append(error_text(replace(problem)))
        else:
            form[name].errors = [*form[name].errors, error_text(problem)]
    return " ".join(elsewhere) or gettext("Please check the fields that are marked.")
