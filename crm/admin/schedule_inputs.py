"""The inputs of the schedule's form: kinds and zones to choose from, and a payload by its fields instead of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from markupsafe import Markup
from sqlalchemy.orm import Session
from wtforms import SelectField, StringField
from wtforms.form import BaseForm
from wtforms.widgets import html_params

from crm.admin import forms, job_words, labels, paths
from crm.admin.assets import asset
from crm.fields import Field
from crm.i18n import gettext, lazy
from crm.models.user import User
from crm.names import words
from crm.services.backups import MAKE
from crm.services.payload_fields import PAYLOADS, PayloadField
from crm.services.schedules import SCHEDULABLE

PREFIX = "payload"


def kind_input(field: Field) -> Any:
    """The kinds that can be scheduled, by what they do."""
    return KindInput(lazy(field.label), name=field.name, choices=_kinds, validate_choice=False)


class KindInput(SelectField):
    """Looks like the inputs of choices, though any text may be a kind."""

    def __call__(self, **attributes: Any) -> Any:
        attributes["class_"] = str(attributes.get("class_", "")).replace("form-control", "form-select")
        return super().__call__(**attributes)


def _kinds() -> list[tuple[str, str]]:
    """What everybody schedules stands before what only administrators may."""
    return [(name, job_words.kind(name)) for name in sorted(SCHEDULABLE, key=lambda name: (name == MAKE, name))]


class ZoneWidget:
    """A text input with all zones to choose from; anything else is refused when it is saved."""

    def __call__(self, field: Any, **attributes: Any) -> Markup:
        listed = f"{field.id}-all"
        given = {"id": field.id, "name": field.name, "value": field.data or "", "list": listed, "autocomplete": "off"}
        template = Markup("<input {}><datalist id='{}'>{}</datalist><div class='fire-preview' data-preview='{}'></div>")
        parameters = Markup(html_params(type="text", **{**given, **attributes}))
        return template.format(parameters, listed, _zones(), paths.to("schedules", "preview"))


@lru_cache(maxsize=1)
def _zones() -> Markup:
    return Markup("").join(
        Markup("<option value='{}'></option>").format(name) for name in sorted(available_timezones())
    )


def zone_input(field: Field) -> Any:
    return StringField(lazy(field.label), description=lazy(field.doc), name=field.name, widget=ZoneWidget())


def _equipment() -> Markup:
    """What the form needs beyond others: it shows the fields of the chosen kind, and what the timing means."""
    template = '<link rel="stylesheet" href="{}"><script src="{}" defer></script>'
    return Markup(template).format(asset("css/jobs.css"), asset("js/schedule.js"))


class PayloadWidget:
    """The fields of every kind, of which scripts show those of the chosen one; JSON for a kind without any."""

    def __call__(self, field: Any, **_attributes: Any) -> Markup:
        values = field.values()
        parts = [
            self._kind(field, kind, fields, values if kind == field.kind else {}) for kind, fields in PAYLOADS.items()
        ]
        template = Markup('<div class="payload" id="{}" data-payload>{}</div>{}')
        return template.format(field.id, Markup("").join(parts), _equipment())

    def _kind(self, field: Any, kind: str, fields: Iterable[PayloadField], values: dict[str, Any]) -> Markup:
        shown = Markup("").join(self._one(field, kind, one, values.get(one.name, one.default)) for one in fields)
        opening = Markup('<fieldset class="payload-kind" data-kind="{}"><legend class="sr">{}</legend>{}</fieldset>')
        return opening.format(kind, job_words.kind(kind), shown)

    def _one(self, field: Any, kind: str, one: PayloadField, value: Any) -> Markup:
        name = f"{PREFIX}.{kind}.{one.name}"
        inner = {"choice": self._choice, "number": self._number, "users": self._users}[one.shape](
            field, name, one, value
        )
        return Markup('<div class="field"><label for="{}">{}</label>{}</div>').format(name, gettext(one.label), inner)

    def _choice(self, _field: Any, name: str, one: PayloadField, value: Any) -> Markup:
        options = Markup("").join(
            Markup('<option value="{}"{}>{}</option>').format(
                option, Markup(" selected") if option == value else "", gettext(words(option))
            )
            for option in one.options
        )
        return Markup('<select class="form-select" id="{0}" name="{0}">{1}</select>').format(name, options)

    def _number(self, _field: Any, name: str, _one: PayloadField, value: Any) -> Markup:
        shown = "" if value is None else value
        template = '<input class="form-control" id="{0}" name="{0}" inputmode="numeric" value="{1}">'
        return Markup(template).format(name, shown)

    def _users(self, field: Any, name: str, _one: PayloadField, value: Any) -> Markup:
        """A look-up of users: the panel answers it as it answers the schedule's owner."""
        chosen = [one for one in field.named if one["id"] in {str(number) for number in value or ()}]
        options = Markup("").join(Markup('<option value="{id}" selected>{text}</option>').format(**o) for o in chosen)
        template = (
            '<select class="form-select" id="{0}" name="{0}" multiple data-role="select2-ajax" data-name="owner_id" '
            'data-url="{1}">{2}</select>'
        )
        return Markup(template).format(name, field.url, options)


class PayloadInput(StringField):
    """Holds JSON text as every input of a document does; the fields that a form sends are put together here."""

    widget = PayloadWidget()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kind, self.url = "", ""
        self.named: list[dict[str, str]] = []

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        super().process(formdata, data, extra_filters)
        if formdata is None:
            return
        self.kind = (formdata.getlist("kind") or [""])[0]
        sent = {one.name: formdata.getlist(f"{PREFIX}.{self.kind}.{one.name}") for one in PAYLOADS.get(self.kind, ())}
        if any(f"{PREFIX}.{self.kind}.{one.name}" in formdata for one in PAYLOADS.get(self.kind, ())):
            self.data = json.dumps({one.name: _read(one, sent[one.name]) for one in PAYLOADS[self.kind]})

    def values(self) -> dict[str, Any]:
        """The payload as it stands in the form."""
        try:
            found = json.loads(self.data or "{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def name_choices(self, session: Session, form: BaseForm) -> None:
        """Which kind is shown, and what the users it names are called."""
        self.kind, self.url = str(form["kind"].data or ""), paths.to("schedule", "ajax", "lookup")
        keys = [n for n in self.values().get("recipients") or () if type(n) is int]
        named = labels.resolve(session, User, keys)
        self.named = [{"id": str(key), "text": named[key].text} for key in keys]


def _read(one: PayloadField, sent: list[str]) -> Any:
    if one.shape == "users":
        return [int(text) for text in sent if text.isascii() and text.isdigit() and len(text) < 19]
    text = (sent or [""])[0].strip()
    if one.shape == "number" and text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    return text


def payload_input(field: Field) -> Any:
    return PayloadInput(lazy(field.label), name=field.name)


forms.OWN |= {
    ("schedule", "kind"): kind_input,
    ("schedule", "timezone"): zone_input,
    ("schedule", "payload"): payload_input,
}
