"""Says of a template which variable it cannot do without: when it is saved, and of an old one when it is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm.errors import BadInput, invalid
from crm.mail import guards
from crm.mail.authored import Source
from crm.models.email_template import EmailTemplate


def check(field: str, source: str, sample: Mapping[str, Any], empty: Mapping[str, Any], *, html: bool) -> None:
    """Raise BadInput where the text breaks for some record, in branches that the sample does not take too."""
    found = guards.failure(source, sample, empty, html=html)
    if found is None:
        return
    if not found.name:
        raise invalid(field, "cannot be filled in (line %(line)s): %(why)s", line=found.line, why=found.why)
    guard = f"{{% if {found.name} %}}…{{% endif %}}"
    raise invalid(
        field,
        "'%(name)s' may be empty, which line %(line)s does not allow for; guard it: %(guard)s",
        name=found.name,
        line=found.line,
        guard=guard,
    )


def explained(template: EmailTemplate, texts: Source, values: Mapping[str, Any], error: BadInput) -> BadInput:
    """What is wrong with these values, by name, where that can be told."""
    for source, html in ((texts.subject, False), (texts.text, False), (texts.html, True)):
        found = guards.failure(source, values, {}, html=html)
        if found is not None and found.name:
            return BadInput(
                "The template '%(which)s' cannot be filled in: '%(name)s' is empty here (line %(line)s)",
                which=template.name,
                name=found.name,
                line=found.line,
            )
    why = str(error.params.get("why", ""))
    return BadInput("The template '%(which)s' cannot be filled in: %(why)s", which=template.name, why=why)
