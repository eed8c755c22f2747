"""What each kind of job does, as people call it."""

from __future__ import annotations

from crm.i18n import current, lazy, translate

KINDS = {
    "backup.make": lazy("Make a backup"),
    "email.send": lazy("Send an e-mail"),
    "file.preview": lazy("Make previews of a file"),
    "file.sweep": lazy("Remove files that nothing needs"),
    "notification.mail": lazy("Mail a notification"),
    "reminder.tell": lazy("Tell a reminder"),
    "report.mail": lazy("Mail a report"),
}


def title(kind: str, language: str = "") -> str:
    """Send an e-mail; a kind without words is called by its name.  In the language of `crm.i18n.use`, or that one."""
    return translate(language or current(), KINDS[kind]) if kind in KINDS else kind
