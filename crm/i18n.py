"""Texts in the reader's language: English sentences are the message ids, `locale/<language>/LC_MESSAGES` the rest.

`use(language)` says which language the current request or mail is written in.  Formats of dates, numbers and money
stand in `crm.formats`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel.core import negotiate_locale
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

from crm.errors import BadInput, CrmError, FieldError

LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "简体中文"}
DEFAULT = "en"
LOCALE_DIR = Path(__file__).parent / "locale"

_language: ContextVar[str] = ContextVar("crm_language", default=DEFAULT)


class Catalogue(NullTranslations):
    """The messages of one language, read from its .po file; unknown ones stay English."""

    def __init__(self, messages: Mapping[str, str]) -> None:
        super().__init__()
        self.messages = messages

    def gettext(self, message: str) -> str:
        return self.messages.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


@lru_cache(maxsize=8)
def catalogue(language: str) -> Catalogue:
    """Read once per process; English and unknown languages have no file."""
    path = LOCALE_DIR / language / "LC_MESSAGES" / "crm.po"
    if language not in LANGUAGES or not path.exists():
        return Catalogue({})
    with path.open("rb") as file:
        found = read_po(file, locale=language)
    return Catalogue({str(m.id): str(m.string) for m in found if m.id and m.string and not m.fuzzy})


# ---------------------------------------------------------------------------------------------- which language


def use(language: str) -> None:
    """Write in this language from here on, in this request or job; unknown codes mean English."""
    _language.set(language if language in LANGUAGES else DEFAULT)


def current() -> str:
    """`en` or `zh`."""
    return _language.get()


@contextmanager
def using(language: str) -> Iterator[None]:
    """Write in this language inside the block only."""
    token = _language.set(language if language in LANGUAGES else DEFAULT)
    try:
        yield
    finally:
        _language.reset(token)


def negotiate(*wishes: str | None, accept: str = "") -> str:
    """The first wish that is a language of ours, else the best of an Accept-Language header, else English."""
    for wish in wishes:
        if wish and wish in LANGUAGES:
            return wish
    found = negotiate_locale(_accepted(accept), list(LANGUAGES), sep="-")
    return str(found) if found else DEFAULT


def _accepted(header: str) -> list[str]:
    """`zh-CN,zh;q=0.9,en;q=0.5` as codes, best first."""
    ranked: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        code, _, quality = part.strip().partition(";")
        try:
            ranked.append((float(quality.strip().removeprefix("q=") or 1), code.strip()))
        except ValueError:
            continue
    return [code for _, code in sorted(ranked, key=lambda item: -item[0]) if code]


# ---------------------------------------------------------------------------------------------- texts


def translate(language: str, text: str, /, **params: Any) -> str:
    """`text` in `language`, its `%(name)s` placeholders filled if there are params."""
    found = catalogue(language).gettext(str.__str__(text))
    return found % params if params else found


def gettext(text: str, /, **params: Any) -> str:
    """`text` in the language of `use`."""
    return translate(_language.get(), text, **params)


class Lazy(str):
    """A message id that is translated when it is shown; equal and hashed as its English text."""

    __slots__ = ()

    def __str__(self) -> str:
        return gettext(str.__str__(self))

    def __html__(self) -> Markup:
        return escape(str(self))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __repr__(self) -> str:
        return str.__repr__(str.__str__(self))


def lazy(text: str) -> Lazy:
    """For texts named when a module is loaded, before anybody's language is known."""
    return Lazy(text)


def error_text(error: CrmError | FieldError) -> str:
    """The sentence of an error in the current language; a field is named by its label."""
    if isinstance(error, BadInput) and len(error.errors) == 1 and error.template.startswith("%(field)s: "):
        label = gettext("%(field)s: ", field=field_label(error.errors[0].field))
        return label + error_text(error.errors[0])
    params = dict(error.params)
    known = {name: gettext(value) if isinstance(value, str) else value for name, value in params.items()}
    return gettext(error.template, **known) if known else gettext(error.template) % {}


def field_label(name: str) -> str:
    """The translated label of a field in JSON spelling: `expectedCloseDate` → `Expected close date`."""
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    return gettext(snake.removesuffix("_id").replace("_", " ").capitalize())


# ---------------------------------------------------------------------------------------------- scripts

#: what the scripts in admin/static say themselves
_SCRIPT_TEXTS = {
    "selected": lazy("%(count)s selected"),
    "allSelected": lazy("All %(count)s selected"),
    "unsaved": lazy("You have changes that are not saved."),
    "noResults": lazy("Nothing found"),
    "searching": lazy("Searching…"),
    "loadFailed": lazy("The results could not be loaded."),
    "choose": lazy("Choose…"),
    "dark": lazy("Switch to dark"),
    "light": lazy("Switch to light"),
    "dismiss": lazy("Dismiss"),
    "remove": lazy("Remove"),
    "colleagues": lazy("Colleagues"),
}


def script_texts() -> str:
    """JSON of the scripts' texts in the current language."""
    return json.dumps({name: str(text) for name, text in _SCRIPT_TEXTS.items()}, ensure_ascii=False)
