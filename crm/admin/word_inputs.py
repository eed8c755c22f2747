"""Inputs of text fields that know only a few words (languages, what a template is about), and tall ones for mail."""

from __future__ import annotations

from functools import partial
from typing import Any

from markupsafe import Markup
from wtforms import SelectField
from wtforms.widgets import Select

from crm.admin import forms, paths
from crm.admin.assets import asset
from crm.admin.inputs import LongText
from crm.fields import Field
from crm.i18n import LANGUAGES, gettext, lazy
from crm.mail import sandbox
from crm.names import words
from crm.services import email_variables
from crm.services.email_variables import ABOUT

ROWS = 14
LONGEST = 100_000
_TALL = {"rows": ROWS, "spellcheck": "false", "maxlength": LONGEST}


class _Drawn(Select):
    """The form draws every text field as a line of text unless told otherwise."""

    def __call__(self, field: Any, **attributes: Any) -> Markup:
        attributes["class"] = "form-select is-invalid" if field.errors else "form-select"
        return super().__call__(field, **attributes)


class Words(SelectField):
    """One of a few words; what is wrong with another one is said when it is saved."""

    widget = _Drawn()


def _words(choices: list[tuple[str, Any]], field: Field) -> Any:
    return Words(**_common(field), choices=choices, validate_choice=False)


def _tall(field: Field) -> Any:
    return LongText(**_common(field), render_kw=_TALL)


class TriedOut(LongText):
    """The last of a template's texts: below it what all of them may say, and how the mail will look."""

    def __call__(self, **attributes: Any) -> Markup:
        parts = Markup("").join(_known(about) for about in ABOUT)
        return Markup("{}{}{}").format(super().__call__(**attributes), parts, _trial())


def _tried_out(field: Field) -> Any:
    return TriedOut(**_common(field), render_kw=_TALL)


def _known(about: str) -> Markup:
    known = email_variables.known(about)
    names = [f"{{{{ {name} }}}}" for name in sandbox.names_of(known)]
    names += [f"{{% for line in {name} %}} … {{% endfor %}}" for name in sandbox.lists_of(known)]
    title = gettext("Variables: %(about)s", about=gettext(words(about)))
    listed = Markup("").join(Markup("<code>{}</code>").format(name) for name in names)
    template = (
        '<details class="mail-known" data-about="{}"><summary>{}</summary><p class="mail-variables">{}</p></details>'
    )
    return Markup(template).format(about, title, listed)


def _trial() -> Markup:
    """Its button is none of the form's own, so that the Enter key still saves; a script sends the form to the frame."""
    template = (
        '<link rel="stylesheet" href="{}"><div class="template-trial" data-trial="{}" hidden>'
        '<button class="btn" type="button"><i class="ti ti-eye" aria-hidden="true"></i>{}</button>'
        '<iframe class="mail-frame" name="template-trial" sandbox="allow-popups" title="{}" hidden></iframe>'
        '</div><script src="{}" defer></script>'
    )
    label, css, script = gettext("Preview"), asset("css/mail.css"), asset("js/template.js")
    return Markup(template).format(css, paths.to("email-template", "try"), label, label, script)


def _common(field: Field) -> dict[str, Any]:
    return {"label": lazy(field.label), "description": lazy(field.doc), "name": field.name}


_TONGUES: list[tuple[str, Any]] = list(LANGUAGES.items())
_one_of_our_languages = partial(_words, _TONGUES)
forms.OWN |= {
    ("email_template", "language"): _one_of_our_languages,
    ("email_template", "about"): partial(_words, [(name, lazy(words(name))) for name in ABOUT]),
    ("email_template", "text_body"): _tall,
    ("email_template", "html_body"): _tried_out,
    ("contact", "preferred_language"): partial(_words, [("", "–"), *_TONGUES]),
    ("user", "locale"): _one_of_our_languages,
}
