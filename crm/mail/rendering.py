"""Mail texts from the templates beside this file: one text and one HTML body, in the reader's language and zone.

A template pair is `name.txt` and `name.html`; the HTML one extends `base.html`.  Values are escaped in HTML, the CSS is
put inline (many readers drop style sheets), and the sandbox lets a template read values and nothing else.
"""

from __future__ import annotations

from contextvars import copy_context
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import css_inline
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crm import formats, i18n

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Rendered:
    """What `services.emails.queue` takes as `text` and `html`."""

    text: str
    html: str


def render(name: str, *, language: str, zone: str, **values: Any) -> Rendered:
    """Both bodies of the template `name`, with dates and numbers as `language` writes them and times of `zone`."""
    return copy_context().run(_render, name, language, zone, values)


def _render(name: str, language: str, zone: str, values: dict[str, Any]) -> Rendered:
    """In a context of its own, so that the language of the job or request stays what it was."""
    i18n.use(language)
    formats.use_zone(zone)
    text = _environment().get_template(f"{name}.txt").render(lang=i18n.current(), **values)
    html = _environment().get_template(f"{name}.html").render(lang=i18n.current(), **values)
    return Rendered(text.strip() + "\n", _inliner().inline(html))


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=lambda name: bool(name) and str(name).endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]
        i18n.gettext, lambda one, many, n: i18n.gettext(one if n == 1 else many), newstyle=True
    )
    made.globals.update(day=formats.day, moment=formats.moment, number=formats.number, money=formats.money)
    return made


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)
