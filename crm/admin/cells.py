"""One value as a screen shows it: its text in the reader's language and zone, its link, its tone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from crm import formats
from crm.actor import Actor
from crm.admin import history_words, job_words, paths
from crm.admin.labels import KNOWN, USERS, Changes, Label, Labels, changed_target, hidden, known, linked_of
from crm.admin.marks import STATES, stage_tone, tone
from crm.entity import REGISTRY, name_of, permission
from crm.fields import Field, Kind, fields_of, related
from crm.files.kinds import ending_of
from crm.i18n import LANGUAGES, gettext
from crm.names import words
from crm.services import job_kinds, own_words, recurrence_words
from crm.services.fire_times import Timing
from crm.services.fire_words import in_words
from crm.services.notification_kinds import KINDS


@dataclass(frozen=True, slots=True)
class Cell:
    """`value` is the machine's spelling; `items` the cells of a to-many field; `mark` what is drawn beside the text."""

    kind: str
    text: str
    value: Any = None
    url: str = ""
    tone: str = ""
    title: str = ""
    mark: Mapping[str, Any] | None = None
    items: Sequence[Cell] = ()


_RIGHT = frozenset({"integer", "money", "fraction", "quantity"})
#: records that are drawn with an avatar or a company mark
_DRAWN = {"user": "user", "customer": "company", "tag": "tag"}


def align(kind: str) -> str:
    """Numbers stand right, everything else left."""
    return "end" if kind in _RIGHT else "start"


def cell(model: type[Any], field: Field, row: Any, labels: Labels, actor: Actor) -> Cell:
    """The value of one column of a row or record; references are named from `labels`."""
    value = getattr(row, field.name)
    if value is None:
        return Cell(field.kind.value, "")
    if field.kind is Kind.REFERENCE:
        target = related(model, field)
        return reference(target, value, labels.get(name_of(target), {}).get(value) or hidden(), actor)
    if field.name == "record_id" and (linked := linked_of(model, row)):
        return _record(model, linked, value, labels, actor)
    if field.name in USERS:
        return reference(REGISTRY["user"], value, labels.get("user", {}).get(value) or hidden(), actor)
    if field.name in ("before", "after") and (change := getattr(row, "change", None)):
        return Cell(field.kind.value, history_words.side(str(change), value), value)
    if (name_of(model), field.name) == ("audit_entry", "changes"):
        return Cell(field.kind.value, _changes(value, linked_of(model, row), labels), value)
    if field.name == "name" and name_of(model) in KNOWN:
        return Cell(field.kind.value, known(model, value), value)
    if show := _OWN.get((name_of(model), field.name)):
        return Cell(field.kind.value, show(value), value)
    if field.kind is Kind.MONEY:
        return Cell("money", formats.money(value, getattr(row, "currency", "") or ""), value)
    return plain(field, value)


def _record(model: type[Any], linked: type[Any], key: int, labels: Labels, actor: Actor) -> Cell:
    """The audit outlives its records, which are then found by their numbers."""
    label = labels.get(name_of(linked), {}).get(key) or hidden()
    if label.state == "hidden" and name_of(model) == "audit_entry":
        return Cell("reference", str(key), key)
    return reference(linked, key, label, actor)


def plain(field: Field, value: Any) -> Cell:
    """A value that needs no look at other records."""
    if value is None or value == "":
        return Cell(field.kind.value, "")
    if field.kind is Kind.CHOICE:
        return choice(field, value)
    show = formats.duration if field.name.startswith("seconds_") else _SHOWN.get(field.kind, str)
    shown = show(value)
    return Cell(field.kind.value, shown, value, url=_outward(field, value))


def choice(field: Field, value: StrEnum | str) -> Cell:
    """`at_risk` → At risk, amber where the field tells a state."""
    drawn = tone(str(value)) if field.name in STATES else ""
    return Cell("choice", gettext(words(str(value))), str(value), tone=drawn)


def reference(target: type[Any], key: int, label: Label, actor: Actor) -> Cell:
    """A named link; no link to what the actor may not open."""
    reachable = label.state == "live" and actor.may(permission(target, "view"))
    return Cell(
        kind="reference",
        text=label.text,
        value=key,
        url=paths.details_of(target, key) if reachable else "",
        tone=_reference_tone(target, label),
        title=gettext("In the trash") if label.state == "trashed" else "",
        mark=label.mark,
    )


def _reference_tone(target: type[Any], label: Label) -> str:
    if label.state != "live":
        return label.state
    if name_of(target) == "stage" and label.mark:
        return stage_tone(label.mark)
    return _DRAWN.get(name_of(target), "")


def references(target: type[Any], found: Sequence[tuple[int, str | Label]], actor: Actor) -> Cell:
    """The records of a to-many field, side by side."""
    named = [(key, Label(label) if isinstance(label, str) else label) for key, label in found]
    items = [reference(target, key, label, actor) for key, label in named]
    return Cell("references", ", ".join(item.text for item in items), [i.value for i in items], items=items)


def sides(model: type[Any] | None, name: str, changes: Changes, labels: Labels) -> list[str]:
    """What a field was and what it became, as people read it: what it points at by name, as `labels` has it."""
    return [_side(model, name, changes, place, labels) for place in range(len(changes[name]))]


def _side(model: type[Any] | None, name: str, changes: Changes, place: int, labels: Labels) -> str:
    """What the registry does not know (a role's grants, a field that is gone) as it was written."""
    value, target = changes[name][place], changed_target(model, name, changes, place)
    if target is not None and (keys := value if isinstance(value, list) else [value] if type(value) is int else []):
        named = labels.get(name_of(target), {})
        return formats.listed(_named(named.get(key) or hidden(), key) for key in keys)
    if isinstance(value, list) and (model is None or name not in fields_of(model)):
        return ", ".join(str(part) for part in value)
    return _audited(model, name, value)


def _named(label: Label, key: int) -> str:
    return f"{label.text} ({key})" if label.state == "hidden" else label.text


def _audited(model: type[Any] | None, name: str, value: Any) -> str:
    """A value of the audit, which keeps JSON, as text; fields that are gone since are shown as they are."""
    if value is None or value in ("", []):
        return ""
    field = fields_of(model).get(name) if model is not None else None
    if field is None or value == "***":
        return str(value)
    try:
        return plain(field, _revive(field, value)).text
    except (ValueError, TypeError, ArithmeticError):
        return str(value)


def _revive(field: Field, value: Any) -> Any:
    if field.kind is Kind.INSTANT:
        return datetime.fromisoformat(value)
    if field.kind is Kind.DATE:
        return date.fromisoformat(value)
    if field.kind in (Kind.MONEY, Kind.FRACTION, Kind.QUANTITY):
        return Decimal(value)
    return value


def _outward(field: Field, value: Any) -> str:
    """Mail, telephone and web addresses can be followed; nothing else, whatever it says."""
    if field.kind is Kind.EMAIL:
        return f"mailto:{value}"
    if field.kind is Kind.PHONE:
        return f"tel:{''.join(c for c in value if c in '+0123456789')}"
    if field.kind is Kind.URL and str(value).lower().startswith(("http://", "https://")):
        return str(value)
    return ""


def _json(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(one, dict) and "text" in one for one in value):
        return "\n".join(f"{'☑' if one.get('done') else '☐'} {one['text']}" for one in value)  # steps of a checklist
    return json.dumps(value, ensure_ascii=False, default=str) if value not in ({}, []) else ""


def _changes(changes: Changes, model: type[Any] | None, labels: Labels) -> str:
    """State: Waiting → Sent, a line for each field of `model`."""
    lines = []
    for name in changes:
        before, after = (side or "–" for side in sides(model, name, changes, labels))
        lines.append(f"{gettext(words(name))}: {before} → {after}")
    return "\n".join(lines)


def _language(code: str) -> str:
    return LANGUAGES.get(code, code)


def _news(kind: str) -> str:
    return gettext(KINDS[kind].label) if kind in KINDS else kind


#: fields that are told in words of their own
_OWN: dict[tuple[str, str], Callable[[Any], str]] = {
    ("attachment", "size"): formats.size,
    ("task", "progress"): lambda value: f"{value}%",
    ("user", "locale"): _language,
    ("contact", "preferred_language"): _language,
    ("email_template", "language"): _language,
    ("notification", "kind"): _news,
    ("notification_preference", "kind"): _news,
    ("attachment", "media_type"): lambda value: ending_of(value).upper() or value,
    ("email_message", "smtp_reply"): own_words.shown,
    ("email_suppression", "reason"): own_words.shown,
    ("job", "kind"): job_kinds.title,
    ("job", "queue"): job_words.queue,
    ("job", "last_error"): own_words.shown,
    ("job", "progress_note"): own_words.shown,
    ("job_event", "note"): own_words.shown,
    ("task_series", "rrule"): recurrence_words.told,
    ("schedule", "cron"): lambda value: in_words(Timing(value, None, "UTC")) or value,
    ("schedule", "interval_s"): lambda value: in_words(Timing("", value, "UTC")),
    ("schedule", "kind"): job_kinds.title,
}
_SHOWN: dict[Kind, Callable[[Any], str]] = {
    Kind.INTEGER: formats.number,
    Kind.MONEY: formats.money,
    Kind.FRACTION: formats.percent,
    Kind.QUANTITY: formats.number,
    Kind.DATE: formats.day,
    Kind.INSTANT: formats.moment,
    Kind.BOOLEAN: lambda value: gettext("Yes") if value else gettext("No"),
    Kind.DOCUMENT: _json,
}
