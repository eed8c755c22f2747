"""Mail that people wrote as a template or by hand: subject, text and HTML of what is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm.legible import legible
from crm.mail import bodies, sandbox


@dataclass(frozen=True, slots=True)
class Source:
    """A template's texts; a body that is empty is made from the other one."""

    subject: str
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What is sent; `html` is a whole page."""

    subject: str
    text: str
    html: str


def fill(source: Source, values: Mapping[str, Any], *, language: str, zone: str) -> Written:
    """The template with its values; raises BadInput where it cannot be filled in."""
    options = {"language": language, "zone": zone}
    subject = sandbox.render(source.subject, values, html=False, **options)
    text = sandbox.render(source.text, values, html=False, **options) if source.text.strip() else ""
    html = sandbox.render(source.html, values, html=True, **options) if source.html.strip() else ""
    return written(subject, text, html, language=language)


def written(subject: str, text: str, html: str = "", *, language: str) -> Written:
    """Ready texts as a mail: one line of subject, clean HTML, both bodies."""
    line = legible(" ".join(subject.split()))
    fragment = bodies.clean(html) if html.strip() else bodies.from_text(text)
    plain = text.strip() + "\n" if text.strip() else bodies.to_text(fragment)
    return Written(line, plain, bodies.page(fragment, title=line, language=language))
