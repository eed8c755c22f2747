"""Inputs of text fields that know only a few words (languages, what a template is about), and tall ones for mail."""

from __future__ import annotations

from functools import partial
from typing import Any

from markupsafe import Markup
from wtforms import SelectField
from wtforms.widgets import Select

from crm.admin import forms
from crm.admin.inputs import LongText
from crm.fields import Field
from crm.i18n import LANGUAGES, lazy
from crm.names import words
from crm.services.email_variables import ABOUT

ROWS = 14
LONGEST = 100_000


class _Drawn(Select):
    """The form draws every text field as a line of text unless told otherwise."""

    def __call__(self, field: Any, **attributes: Any) -> Markup:
        attributes["class_"] = "form-select is-invalid" if field.errors else "form-select"
        return super().__call__(field, **attributes)


class Words(SelectField):
    """One of a few words; what is wrong with another one is said when it is saved."""

    widget = _Drawn()


def _words(choices: list[tuple[str, Any]], field: Field) -> Any:
    return Words(**_common(field), choices=choices, validate_choice=False)


def _tall(field: Field) -> Any:
    return LongText(**_common(field), render_kw={"rows": ROWS, "spellcheck": "false", "maxlength": LONGEST})


def _common(field: Field) -> dict[str, Any]:
    return {"label": lazy(field.label), "description": lazy(field.doc), "name": field.name}


_TONGUES: list[tuple[str, Any]] = list(LANGUAGES.items())
_one_of_our_languages = partial(_words, _TONGUES)
forms.OWN |= {
    ("email_template", "language"): _one_of_our_languages,
    ("email_template", "about"): partial(_words, [(name, lazy(words(name))) for name in ABOUT]),
    ("email_template", "text_body"): _tall,
    ("email_template", "html_body"): _tall,
    ("contact", "preferred_language"): partial(_words, [("", "–"), *_TONGUES]),
    ("user", "locale"): _one_of_our_languages,
}
