"""Inputs of the task forms: the steps of a checklist, when to be reminded, how a task comes again.

Each holds its value as JSON text, as any document does, and draws boxes and selects for it, which work without scripts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape
from wtforms import StringField

from crm import formats
from crm.admin import inputs, task_words
from crm.i18n import gettext
from crm.models.reminder import Channel
from crm.models.task_series import Recurrence
from crm.names import words
from crm.services import recurrence_words

OFFSETS = (0, 10, 60, 1440)
RULES = (
    *("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2"),
    *("FREQ=MONTHLY", "FREQ=MONTHLY;INTERVAL=3", "FREQ=YEARLY"),
)
#: rows that stand ready in an empty checklist
SPARE_ROWS = 2


class Composed(StringField):
    """Several inputs for one value; a hidden one of the field's own name says that they were sent."""

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """`process` has read them already."""

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        super().process(formdata, data, extra_filters)
        if formdata is not None and self.name in formdata:
            self.data = json.dumps(self.read(formdata), ensure_ascii=False)

    def read(self, formdata: Any) -> Any:
        raise NotImplementedError

    def parts(self, formdata: Any, part: str) -> Iterator[tuple[str, str]]:
        """(rest of the name, value) of the inputs of one kind, in the order of the form."""
        prefix = f"{self.name}-{part}-"
        for name in formdata:
            if name.startswith(prefix):
                yield name.removeprefix(prefix), next(iter(formdata.getlist(name)), "")

    def draw(self) -> Iterator[Markup]:
        raise NotImplementedError

    def __call__(self, **attributes: Any) -> Markup:
        sent = Markup('<input type="hidden" name="{}" value="1">').format(self.name)
        open_tag = Markup('<div class="composed {}" id="{}" role="group" aria-label="{}">').format(
            type(self).__name__.lower(), self.id, self.label.text
        )
        return open_tag + sent + Markup("").join(self.draw()) + Markup("</div>")

    def value(self, default: Any) -> Any:
        try:
            return json.loads(self.data or "null") or default
        except (ValueError, TypeError):
            return default


class Checklist(Composed):
    """A row a step: a box, its text, and a button that takes the row away."""

    def read(self, formdata: Any) -> list[dict[str, Any]]:
        rows = ((n, first.strip()) for n, first in self.parts(formdata, "text"))
        return [{"text": text, "done": f"{self.name}-done-{n}" in formdata} for n, text in rows if text]

    def draw(self) -> Iterator[Markup]:
        steps = [one for one in self.value([]) if isinstance(one, dict)]
        yield Markup("<div data-rows>")
        for number, step in enumerate([*steps, *({} for _ in range(SPARE_ROWS if not steps else 1))]):
            yield self._row(str(number), str(step.get("text", "")), done=bool(step.get("done")))
        yield Markup("</div><template data-row>") + self._row("__n__", "", done=False) + Markup("</template>")
        add = Markup('<button class="btn btn-quiet" type="button" data-add-row hidden>{}{}</button>')
        yield add.format(_icon("plus"), gettext("Add a step"))

    def _row(self, number: str, text: str, *, done: bool) -> Markup:
        return Markup(
            '<div class="step-row">'
            '<input class="check" type="checkbox" name="{name}-done-{n}" value="1" aria-label="{said}"{checked}>'
            '<input class="form-control" name="{name}-text-{n}" value="{text}" maxlength="500" aria-label="{step}">'
            '<button class="btn btn-quiet btn-icon" type="button" data-remove-row aria-label="{remove}" hidden>{x}'
            "</button></div>"
        ).format(
            name=self.name,
            n=number,
            text=text,
            said=gettext("Done"),
            step=gettext("Step"),
            remove=gettext("Remove"),
            checked=Markup(" checked") if done else "",
            x=_icon("x"),
        )


class Offsets(Composed):
    """Boxes for how long before the due date: a list of minutes."""

    def read(self, formdata: Any) -> list[int]:
        found = (minutes for minutes, _ in self.parts(formdata, "minutes"))
        return sorted({int(m) for m in found if m.isascii() and m.isdigit() and len(m) < 8}, reverse=True)

    def draw(self) -> Iterator[Markup]:
        chosen = [m for m in self.value([]) if isinstance(m, int)]
        for minutes in sorted({*OFFSETS, *chosen}):
            yield _box(f"{self.name}-minutes-{minutes}", "1", task_words.before(minutes), checked=minutes in chosen)


class Reminders(Composed):
    """The same with a channel for all of them; reminders at moments of their own can be kept or dropped."""

    def read(self, formdata: Any) -> list[dict[str, Any]]:
        channel = (formdata.getlist(f"{self.name}-channel") or [""])[0]
        offsets = (_entry("offset_minutes", n, channel or own) for n, own in self.parts(formdata, "minutes"))
        moments = (_entry("remind_at", at, channel or own) for at, own in self.parts(formdata, "at"))
        return sorted([*offsets, *moments], key=json.dumps)

    def draw(self) -> Iterator[Markup]:
        chosen = [one for one in self.value([]) if isinstance(one, dict)]
        offered = [{"offset_minutes": m} for m in OFFSETS if m not in [one.get("offset_minutes") for one in chosen]]
        ranked = sorted([*chosen, *offered], key=lambda one: (one.get("offset_minutes", -1), one.get("remind_at", "")))
        for one in ranked:
            own = f"at-{one['remind_at']}" if "remind_at" in one else f"minutes-{one['offset_minutes']}"
            channel = str(one.get("channel", Channel.BOTH))
            yield _box(f"{self.name}-{own}", channel, _told(one), checked="channel" in one)
        yield self._channels({str(one.get("channel", "")) for one in chosen})

    def _channels(self, used: set[str]) -> Markup:
        mixed = [("", gettext("As they are"))] if len(used) > 1 else []
        selected = next(iter(used), str(Channel.BOTH)) if len(used) < 2 else ""
        choices = [*mixed, *((str(c), gettext(words(str(c)))) for c in Channel)]
        return _select(f"{self.name}-channel", choices, selected, gettext("Channel"))


class Repeats(Composed):
    """The usual rules, the one it has if that is another, and from when on the next one is reckoned."""

    def read(self, formdata: Any) -> dict[str, str]:
        first = {name: (formdata.getlist(f"{self.name}-{name}") or [""])[0] for name in ("rrule", "mode")}
        return {"rrule": first["rrule"], "mode": first["mode"] or str(Recurrence.AFTER_DUE)}

    def draw(self) -> Iterator[Markup]:
        held = self.value({})
        rule = str(held.get("rrule", ""))
        known = [("", gettext("Does not repeat")), *((one, recurrence_words.told(one)) for one in RULES)]
        if rule and rule not in RULES:
            known.append((rule, recurrence_words.told(rule)))
        yield _select(f"{self.name}-rrule", known, rule, str(self.label.text))
        modes = [(str(m), gettext(words(str(m)))) for m in Recurrence]
        yield _select(f"{self.name}-mode", modes, str(held.get("mode", "")), gettext("Reckoned from"))


class RuleText(StringField):
    """A rule as text, with the usual ones to choose from."""

    def __call__(self, **attributes: Any) -> Markup:
        listed = f"{self.id}-rules"
        options = Markup("").join(
            Markup('<option value="{}">{}</option>').format(r, recurrence_words.told(r)) for r in RULES
        )
        drawn = Markup(super().__call__(list=listed, placeholder=RULES[2], autocomplete="off", **attributes))
        return drawn + Markup('<datalist id="{}">{}</datalist>').format(listed, options)


inputs.OWN |= {"checklist": Checklist, "reminder_offsets": Offsets, "rrule": RuleText}
inputs.OWN |= {"reminders": Reminders, "recurrence": Repeats}


def _entry(name: str, when: str, channel: str) -> dict[str, Any]:
    """What cannot be read is left for the schema to refuse."""
    number = name == "offset_minutes" and when.isascii() and when.isdigit() and len(when) < 8
    return {name: int(when) if number else when, "channel": channel}


def _told(one: dict[str, Any]) -> str:
    if "offset_minutes" in one:
        return task_words.before(int(one["offset_minutes"]))
    try:
        return formats.moment(datetime.fromisoformat(str(one.get("remind_at"))))
    except ValueError:
        return str(one.get("remind_at"))


def _box(name: str, value: str, text: str, *, checked: bool) -> Markup:
    box = '<label class="choice"><input class="check" type="checkbox" name="{}" value="{}"{}>{}</label>'
    return Markup(box).format(name, value, Markup(" checked") if checked else "", text)


def _select(name: str, choices: Sequence[tuple[str, str]], chosen: str, label: str) -> Markup:
    options = Markup("").join(
        Markup('<option{} value="{}">{}</option>').format(Markup(" selected") if v == chosen else "", v, text)
        for v, text in choices
    )
    return Markup('<select class="form-select" name="{}" aria-label="{}">{}</select>').format(name, label, options)


def _icon(name: str) -> Markup:
    return Markup('<i class="ti ti-{}" aria-hidden="true"></i>').format(escape(name))
