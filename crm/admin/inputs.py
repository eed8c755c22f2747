"""The input of each kind of field: raw text in, raw text out.  What it means is decided by `crm.schemas` alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, runtime_checkable

from markupsafe import Markup
from sqlalchemy.orm import Session
from wtforms import BooleanField, SelectField, StringField
from wtforms import Field as Input
from wtforms.form import BaseForm
from wtforms.widgets import TextArea, TextInput, html_params

from crm import formats
from crm.fields import Field, Kind
from crm.i18n import lazy
from crm.names import words


class LongText(StringField):
    """Text of several lines."""

    widget = TextArea()


class LookUpWidget:
    """A select that asks the panel for its options; it never holds a whole table."""

    def __call__(self, field: Any, **attributes: Any) -> Markup:
        attributes.setdefault("id", field.id)
        attributes.update({"data-role": "select2-ajax", "data-url": field.url, "data-name": field.name})
        attributes["data-json"] = json.dumps(field.selected, ensure_ascii=False)
        if field.many:
            attributes["multiple"] = True
        elif not field.required_here:
            attributes["data-allow-blank"] = "1"
        options = Markup("").join(
            Markup('<option value="{}" selected>{}</option>').format(o["id"], o["text"]) for o in field.selected
        )
        opening = Markup("<select {}>").format(Markup(html_params(name=field.name, **attributes)))
        return opening + options + Markup("</select>")


class LookUp(Input):
    """One or several related records, by key; `selected` are {id, text}, set when the page is made."""

    widget = LookUpWidget()

    def __init__(self, *args: Any, many: bool = False, required_here: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.many, self.required_here = many, required_here
        self.selected: list[dict[str, str]] = []
        self.url = ""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        self.data = [v for v in valuelist if v] if self.many else (valuelist[0] if valuelist else "")


@runtime_checkable
class Naming(Protocol):
    """An input that names records without being a look-up itself."""

    def name_choices(self, session: Session, form: BaseForm) -> None: ...


class _Typed(TextInput):
    """A text input that scripts turn into a picker; without scripts it takes the same text."""

    def __init__(self, **attributes: str) -> None:
        super().__init__()
        self.attributes = attributes

    def __call__(self, field: Any, **attributes: Any) -> Markup:
        return super().__call__(field, **{**self.attributes, **attributes})


_WIDGETS: dict[Kind, dict[str, str]] = {
    Kind.DATE: {"data-role": "datepicker", "placeholder": "2026-11-30", "autocomplete": "off"},
    Kind.INSTANT: {"data-role": "datetimepicker", "placeholder": "2026-11-30 09:00", "autocomplete": "off"},
    Kind.EMAIL: {"inputmode": "email", "autocomplete": "off"},
    Kind.PHONE: {"inputmode": "tel", "autocomplete": "off"},
    Kind.URL: {"inputmode": "url"},
    Kind.INTEGER: {"inputmode": "numeric"},
    Kind.MONEY: {"inputmode": "decimal"},
    Kind.FRACTION: {"placeholder": "0.1 / 10%"},
    Kind.QUANTITY: {"inputmode": "decimal"},
}


#: names of fields with an input of their own, and that input
OWN: dict[str, Callable[..., Any]] = {}


def make(field: Field) -> Any:
    """The WTForms field; it has no validators of its own, so none can pile up from request to request."""
    common: dict[str, Any] = {"label": lazy(field.label), "description": lazy(field.doc), "name": field.name}
    sized: dict[str, Any] = {"maxlength": field.max_length} if field.max_length else {}
    if field.required:
        sized["aria-required"] = "true"
    if field.name in OWN and field.choices is None:  # a column of choices may bear the name of an extra input
        return OWN[field.name](**common, render_kw=sized)
    match field.kind:
        case Kind.BOOLEAN:
            return BooleanField(**common, false_values=("false", "", "0"))
        case Kind.CHOICE:
            return SelectField(**common, choices=lambda: choices(field), validate_choice=False, render_kw=sized)
        case Kind.REFERENCE | Kind.REFERENCES:
            many = field.kind is Kind.REFERENCES
            return LookUp(**common, many=many, required_here=field.required)
        case Kind.LONG_TEXT | Kind.DOCUMENT:
            return LongText(**common, render_kw={"rows": 4, **sized})
    return StringField(**common, render_kw=sized, widget=_Typed(**_WIDGETS.get(field.kind, {})))


def choices(field: Field) -> list[tuple[str, Any]]:
    """Made for each form: the words follow the reader's language."""
    members = [(str(m), lazy(words(str(m)))) for m in field.choices or ()]
    return members if not field.nullable else [("", "–"), *members]


# ---------------------------------------------------------------------------------------------- record → text


def raw(field: Field, value: Any) -> Any:
    """A stored value as the form holds it: text, True or False, or a list of keys as text."""
    if field.kind is Kind.BOOLEAN:
        return bool(value)
    if field.kind is Kind.REFERENCES:
        return sorted((str(related.id) for related in value or ()), key=int)
    if value is None:
        return ""
    return _RAW.get(field.kind, str)(value)


def _local(value: datetime) -> str:
    return f"{value.astimezone(formats.zone()):%Y-%m-%d %H:%M}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) if value else ""


_RAW: dict[Kind, Callable[[Any], str]] = {
    Kind.INSTANT: _local,
    Kind.DATE: lambda value: str(value.isoformat()),
    Kind.DOCUMENT: _json,
    Kind.MONEY: lambda value: f"{value:f}",
    Kind.FRACTION: lambda value: f"{value.normalize():f}",
    Kind.QUANTITY: lambda value: f"{value.normalize():f}",
}


# ---------------------------------------------------------------------------------------------- text → input


def sent(field: Field, text: Any) -> Any:
    """What the form holds, as `crm.schemas` reads it; text that cannot be read is left for it to refuse."""
    if field.kind in (Kind.BOOLEAN, Kind.REFERENCES):
        return text
    text = "" if text is None else str(text)
    if field.kind is Kind.DOCUMENT:
        return _document(field, text)
    if text.strip() == "" and (field.nullable or field.kind in _NOT_TEXT):
        return None
    if field.kind is Kind.INSTANT:
        return _instant(text.strip())
    if field.kind is Kind.FRACTION:
        return _fraction(text.strip())
    return text.replace("\r\n", "\n") if field.kind is Kind.LONG_TEXT else text


_NUMBERS = (Kind.INTEGER, Kind.MONEY, Kind.FRACTION, Kind.QUANTITY)
_NOT_TEXT = frozenset({*_NUMBERS, Kind.DATE, Kind.INSTANT, Kind.CHOICE, Kind.REFERENCE})


def _instant(text: str) -> str:
    """A wall-clock time is meant in the reader's zone."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=formats.zone())).isoformat()
    except ValueError:
        return text


def _fraction(text: str) -> str:
    """`10 %` is 0.1."""
    if not text.endswith(("%", "％")):
        return text
    try:
        return f"{Decimal(text[:-1].strip()) / 100:f}"
    except ArithmeticError:
        return text


def _document(field: Field, text: str) -> Any:
    if not text.strip():
        return [] if field.name.endswith(("s", "list")) else {}
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
