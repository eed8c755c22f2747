"""The inputs that ask for the options of a business verb: as the field of that name, where the record has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from inspect import Parameter
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, create_model
from sqlalchemy.orm import Session
from wtforms import BooleanField, HiddenField, SelectField, StringField
from wtforms.form import BaseForm

from crm.admin import inputs, labels, paths
from crm.entity import Operation, name_of
from crm.errors import BadInput, CrmError
from crm.exact import bare, exact
from crm.fields import Field, Kind, fields_of, related
from crm.i18n import error_text, gettext, lazy
from crm.names import camel, words


@dataclass(frozen=True, slots=True)
class Look:
    """How one option of one verb is asked for where neither its type nor its name tells.

    `choices(session, record)` are (value, text) pairs; `start(record)` is what stands there at first; `doc` the hint.
    """

    choices: Callable[[Session, Any], list[tuple[str, str]]] | None = None
    start: Callable[[Any], Any] | None = None
    hidden: bool = False
    doc: str = ""


#: (entity, verb, option) → its look
LOOKS: dict[tuple[str, str, str], Look] = {}
_NO_LOOK = Look()


def look_of(operation: Operation, name: str) -> Look:
    return LOOKS.get((name_of(operation.model), operation.verb, name), _NO_LOOK)


def schema_of(operation: Operation) -> type[BaseModel]:
    """The verb's keyword-only parameters as a pydantic model."""
    given: dict[str, Any] = {
        p.name: (exact(p.annotation), ... if p.default is Parameter.empty else p.default) for p in operation.options
    }
    config = ConfigDict(extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)
    return create_model(f"{operation.verb}_options", __config__=config, **given)


def form_of(operation: Operation) -> BaseForm:
    """The form as it is asked first, filled with the defaults."""
    form = BaseForm([(p.name, _input(operation, p)) for p in operation.options])
    defaults = {p.name: p.default for p in operation.options if p.default not in (Parameter.empty, None)}
    form.process(data=defaults)
    return form


def begin(operation: Operation, form: BaseForm, record: Any) -> None:
    """Fill in what the record itself suggests."""
    for parameter in operation.options:
        start, field = look_of(operation, parameter.name).start, _field(operation, parameter)
        if start is not None:
            value = start(record)
            form[parameter.name].data = inputs.raw(field, value) if field else "" if value is None else str(value)


def name_choices(session: Session, operation: Operation, form: BaseForm, record: Any) -> None:
    """Give every select its choices, and every look-up its address and the names of what it holds."""
    for parameter in operation.options:
        entry: Any = form[parameter.name]
        choices, field = look_of(operation, parameter.name).choices, _field(operation, parameter)
        if choices is not None:
            blank = [("", "–")] if not entry.data or parameter.default is not Parameter.empty else []
            entry.choices = [*blank, *choices(session, record)]
        elif isinstance(entry, inputs.LookUp) and field is not None:
            text = str(entry.data or "")
            keys = [int(text)] if text.isascii() and text.isdigit() and len(text) < 19 else []
            named = labels.resolve(session, related(operation.model, field), keys)
            entry.selected = [{"id": str(key), "text": named[key].text} for key in keys]
            entry.url = paths.to(paths.identity(operation.model), "ajax", "lookup")


def sent(operation: Operation, form: BaseForm) -> dict[str, Any]:
    """What was typed; an empty input means that nothing was said."""
    values = {p.name: _sent(_field(operation, p), form[p.name].data) for p in operation.options}
    return {name: value for name, value in values.items() if value not in ("", None)}


def required(operation: Operation) -> frozenset[str]:
    return frozenset(p.name for p in operation.options if p.default is Parameter.empty)


def show(operation: Operation, form: BaseForm, error: CrmError) -> str:
    """Put each sentence at its input; what belongs to other fields of the record stands on top, by their labels."""
    if not isinstance(error, BadInput) or not error.errors:
        return error_text(error)
    names = {alias: p.name for p in operation.options for alias in (p.name, camel(p.name))}
    known = {field.json: field for field in fields_of(operation.model).values()}
    elsewhere = []
    for problem in error.errors:
        asked = problem.field.partition(".")[0]
        if asked in names:
            form[names[asked]].errors = [*form[names[asked]].errors, error_text(problem)]
        else:
            label = gettext(known[asked].label) if asked in known else asked
            elsewhere.append(gettext("%(field)s: %(sentence)s", field=label, sentence=error_text(problem)))
    return " · ".join(elsewhere) or gettext("Please check the fields that are marked.")


# ---------------------------------------------------------------------------------------------- inside


def _field(operation: Operation, parameter: Parameter) -> Field | None:
    """The field of the record that an option is named after; an instant is asked for as one in any case."""
    name, field = parameter.name, fields_of(operation.model).get(parameter.name)
    if field is None and bare(parameter.annotation) is AwareDatetime:
        return Field(name=name, json=camel(name), kind=Kind.INSTANT, doc="", nullable=True, required=False)
    return None if field is None or field.kind in (Kind.REFERENCES, Kind.BOOLEAN) else field


def _input(operation: Operation, parameter: Parameter) -> Any:
    look, label = look_of(operation, parameter.name), lazy(words(parameter.name))
    if look.hidden:
        return HiddenField(label, name=parameter.name)
    if look.choices is not None:
        return SelectField(label, name=parameter.name, choices=[], validate_choice=False, description=look.doc)
    kind, field = bare(parameter.annotation), _field(operation, parameter)
    if kind is bool:
        return BooleanField(label, name=parameter.name)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        members = [(str(m), lazy(words(str(m)))) for m in kind]
        blank = [] if parameter.default not in (Parameter.empty, None) else [("", "–")]
        return SelectField(label, name=parameter.name, choices=[*blank, *members], validate_choice=False)
    if field is None:
        return StringField(label, name=parameter.name, description=look.doc)
    return inputs.make(replace(field, doc=look.doc) if look.doc else field)


def _sent(field: Field | None, value: Any) -> Any:
    return value if field is None or isinstance(value, bool) else inputs.sent(field, value)
