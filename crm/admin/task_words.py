"""Reminders of a task in words."""

from __future__ import annotations

from crm.i18n import gettext, lazy

_UNITS = {
    1440: (lazy("1 day before"), lazy("%(n)s days before")),
    60: (lazy("1 hour before"), lazy("%(n)s hours before")),
    1: (lazy("1 minute before"), lazy("%(n)s minutes before")),
}


def before(minutes: int) -> str:
    """60 → 1 hour before"""
    if minutes == 0:
        return gettext("When it is due")
    for unit, (one, many) in _UNITS.items():
        if minutes % unit == 0:
            return gettext(one) if minutes == unit else gettext(many, n=minutes // unit)
    return ""
