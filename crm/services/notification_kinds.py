"""The kinds of news, and how each is told unless a user wants it otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NewsKind:
    """`label` is the English sentence of the preferences page; `by_mail` the default (the panel shows all)."""

    label: str
    by_mail: bool = False


#: kind → what it is; in the order of the preferences page
KINDS: dict[str, NewsKind] = {
    "assigned": NewsKind("Something is assigned to me"),
    "mentioned": NewsKind("Somebody mentions me"),
    "due": NewsKind("A task of mine is due"),
    "reminder": NewsKind("A reminder of mine"),
    "overdue": NewsKind("My overdue tasks, each morning"),
    "follow_up": NewsKind("The next step of a deal is today"),
    "close_date": NewsKind("A deal of mine is expected to close"),
    "stale": NewsKind("A deal of mine makes no progress"),
    "deal_won": NewsKind("A deal is won"),
    "deal_lost": NewsKind("A deal is lost"),
    "export_ready": NewsKind("An export is ready"),
    "job_failed": NewsKind("Work in the background failed", by_mail=True),
}
#: told by reminders, which have channels of their own
OF_REMINDERS = frozenset({"due", "reminder"})
