"""Two people in one form: what this one changed, what was saved meanwhile, and what of both can be kept by itself.

A form carries a signed snapshot of what it showed.  Compared are three sides: that, what was typed, what is stored now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from wtforms.form import BaseForm

from crm.admin import forms, inputs
from crm.fields import Field, Kind

Raw = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a form showed: raw values by field, the record's version, and its last audit entry then."""

    version: int
    entry: int
    values: Raw


@dataclass(slots=True)
class Merge:
    """What to write, by field; `theirs` was changed by others meanwhile; `clashes` by both, each to something else."""

    values: Raw = field(default_factory=dict)
    typed: Raw = field(default_factory=dict)
    theirs: list[str] = field(default_factory=list)
    clashes: list[str] = field(default_factory=list)


def sign(secret: str, model: type[Any], key: int, shown: Snapshot) -> str:
    """For the hidden input of a form; good for this one record."""
    return str(_signer(secret, model, key).dumps([shown.version, shown.entry, shown.values]))


def read(secret: str, model: type[Any], key: int, form: BaseForm) -> Snapshot | None:
    """What this form showed; None if nobody can tell any more, and everything typed must be asked about."""
    try:
        shown = Snapshot(*_signer(secret, model, key).loads(str(form[forms.SNAPSHOT].data or "")))
    except (BadSignature, TypeError):
        return None
    return shown if str(form[forms.VERSION].data) == str(shown.version) else None


def _signer(secret: str, model: type[Any], key: int) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=f"panel form {model.__tablename__} {key}")


def merge(model: type[Any], form: BaseForm, shown: Snapshot | None, stored: Raw) -> Merge:
    """What only one of both changed keeps that change; links to many records keep what either added or removed."""
    found = Merge()
    for one in forms.asked(model):
        now, entry = stored[one.name], form[one.name]
        was = shown.values.get(one.name) if shown else None
        moved = shown is None or not forms.same(one, now, was)
        if moved and shown is not None:
            found.theirs.append(one.name)
        if _is_absent(one, entry) or forms.same(one, entry.data, now if shown is None else was):
            continue
        _add(found, one, was, now, entry.data, moved=moved)
    _keep_link_whole(model, form, found)
    return found


def _keep_link_whole(model: type[Any], form: BaseForm, found: Merge) -> None:
    """Kind and number are one link: half of mine with half of theirs would point at a record that nobody chose."""
    link = [one for one in forms.asked(model) if one.name in forms.LINK]
    names = {one.name for one in link}
    if not names & found.values.keys() or not names & set(found.theirs):
        return
    for one in link:
        found.typed[one.name] = form[one.name].data
        found.values[one.name] = inputs.sent(one, form[one.name].data)
    found.clashes += [one.name for one in link if one.name not in found.clashes]


def _add(found: Merge, one: Field, was: Any, now: Any, mine: Any, *, moved: bool) -> None:
    if one.kind is Kind.REFERENCES and was is not None:
        mine = _joined(was, now, mine)
    if forms.same(one, mine, now):
        return
    found.typed[one.name] = mine
    found.values[one.name] = inputs.sent(one, mine)
    if moved and (one.kind is not Kind.REFERENCES or was is None):
        found.clashes.append(one.name)


def _joined(was: list[str], now: list[str], mine: list[str]) -> list[str]:
    """What is linked now, with what was added here and without what was taken away here."""
    added, removed = set(mine) - set(was), set(was) - set(mine)
    return sorted((set(now) | added) - removed, key=lambda text: (len(text), text))


def _is_absent(one: Field, entry: Any) -> bool:
    """A field that was not sent at all was not changed; an empty box or list sends nothing, too."""
    return not entry.raw_data and one.kind not in (Kind.BOOLEAN, Kind.REFERENCES)


def take_theirs(form: BaseForm, shown: Snapshot | None, choices: Mapping[str, Any]) -> None:
    """Where the reader chose what others had saved, the form holds that from now on."""
    for name, value in (shown.values if shown else {}).items():
        if choices.get(f"choice-{name}") == "theirs" and name in form:
            form[name].data = value
