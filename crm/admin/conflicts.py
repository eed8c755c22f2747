"""What both changed, side by side, with who saved what and when; the reader chooses field by field."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session
from wtforms.form import BaseForm

from crm import formats
from crm.admin import forms, history
from crm.admin.merging import Merge, Snapshot
from crm.fields import Field, Kind
from crm.i18n import gettext


def form_of(model: type[Any], stored: dict[str, Any], found: Merge) -> BaseForm:
    """What is stored now, with what was typed here in the fields that were changed here."""
    return forms.filled(model, {**stored, **found.typed})


def rows(
    session: Session, model: type[Any], key: int, found: Merge, *, shown: Snapshot | None, stored: dict[str, Any]
) -> list[dict[str, Any]]:
    """{name, label, base, theirs, who, when, at} of each field that both changed."""
    sides = [forms.filled(model, {**stored, **(shown.values if shown else {})}), forms.filled(model, stored)]
    for side in sides:
        forms.name_choices(session, model, side)
    authors = history.authors(session, model, key, after=shown.entry if shown else 0)
    fields = {field.name: field for field in forms.asked(model)}
    return [
        {
            "name": name,
            "label": gettext(fields[name].label),
            "base": _readable(fields[name], sides[0]) if shown else None,
            "theirs": _readable(fields[name], sides[1]),
            **(authors.get(name) or {"who": "", "when": "", "at": ""}),
        }
        for name in found.clashes
    ]


def who_else(session: Session, model: type[Any], key: int, found: Merge, shown: Snapshot | None) -> str:
    """Those whose changes were kept beside what was typed; empty if there are none."""
    if shown is None or not found.theirs:
        return ""
    authors = history.authors(session, model, key, after=shown.entry)
    return formats.listed(dict.fromkeys(authors[name]["who"] for name in found.theirs if name in authors))


def _readable(field: Field, form: BaseForm) -> str:
    """What an input holds, as people read it."""
    entry: Any = form[field.name]
    if field.relation is not None:
        return formats.listed(o["text"] for o in entry.selected)
    if field.name in forms.LINK:
        return str(entry.told)
    if field.kind is Kind.BOOLEAN:
        return gettext("Yes") if entry.data else gettext("No")
    if field.kind is Kind.CHOICE:
        return next((str(text) for value, text in entry.choices if value == entry.data), "")
    return str(entry.data or "")
