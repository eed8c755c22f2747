"""A recurrence rule in words of the reader's language: Every 2 weeks on Monday and Thursday, until 30 Nov 2026."""

from __future__ import annotations

from datetime import date, datetime

from babel import dates, lists

from crm import formats
from crm.errors import BadInput
from crm.i18n import current, gettext, lazy
from crm.services.recurrence import Rule, parse

_EVERY = {
    "DAILY": (lazy("Every day"), lazy("Every %(n)s days")),
    "WEEKLY": (lazy("Every week"), lazy("Every %(n)s weeks")),
    "MONTHLY": (lazy("Every month"), lazy("Every %(n)s months")),
    "YEARLY": (lazy("Every year"), lazy("Every %(n)s years")),
}
_NTH = {
    1: lazy("the first %(day)s"),
    2: lazy("the second %(day)s"),
    3: lazy("the third %(day)s"),
    4: lazy("the fourth %(day)s"),
    5: lazy("the fifth %(day)s"),
    -1: lazy("the last %(day)s"),
    -2: lazy("the second to last %(day)s"),
}
_DAY = {"en": "d MMMM", "zh": "M月d日"}
_WORKDAYS = tuple((0, day) for day in range(5))


def told(text: str, begin: date | datetime | None = None) -> str:
    """A rule's text in words; as it is where it cannot be read."""
    try:
        return words(parse(text), begin)
    except BadInput:
        return text


def words(rule: Rule, begin: date | datetime | None = None) -> str:
    """`begin`, the first day, tells the weekday or day of the month that the rule itself leaves open."""
    if rule.positions or any(nth not in (0, *_NTH) for nth, _ in rule.days):
        said = f"{_every(rule)} ({rule.text})"
    elif rule.unit == "WEEKLY" and rule.days == _WORKDAYS and rule.interval == 1:
        said = gettext("Every working day")
    else:
        on = _days(rule, begin)
        said = gettext("%(every)s on %(days)s", every=_every(rule), days=on) if on else _every(rule)
    return _ended(rule, said)


def _every(rule: Rule) -> str:
    one, many = _EVERY[rule.unit]
    return gettext(one) if rule.interval == 1 else gettext(many, n=rule.interval)


def _days(rule: Rule, begin: date | datetime | None) -> str:
    said = [_weekday(day) if not nth else gettext(_NTH[nth], day=_weekday(day)) for nth, day in rule.days]
    said += [gettext("the last day") if n == -1 else gettext("day %(n)s", n=n) for n in rule.month_days]
    if not said and begin is not None:
        if rule.unit == "WEEKLY":
            said = [_weekday(begin.weekday())]
        elif rule.unit == "MONTHLY":
            said = [gettext("day %(n)s", n=begin.day)]
        elif rule.unit == "YEARLY" and not rule.months:
            return dates.format_date(begin, _DAY[current()], locale=current())
    told = _listed(said)
    if rule.months:
        months = _listed([dates.get_month_names("wide", locale=current())[n] for n in rule.months])
        return gettext("%(days)s in %(months)s", days=told, months=months) if told else months
    return told


def _weekday(day: int) -> str:
    return str(dates.get_day_names("wide", locale=current())[day])


def _listed(said: list[str]) -> str:
    return lists.format_list(said, locale=current()) if said else ""


def _ended(rule: Rule, said: str) -> str:
    if rule.count is not None:
        return gettext("%(rule)s, %(count)s times", rule=said, count=rule.count)
    if rule.until is not None:
        day = rule.until.date() if isinstance(rule.until, datetime) else rule.until
        return gettext("%(rule)s, until %(day)s", rule=said, day=formats.day(day))
    return said
