"""What our own code wrote into rows of jobs and mails, for its readers: the rows keep English, each reads their own.

What others said (a mail server's answer, a driver's error) stays as they said it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from crm.i18n import current, lazy, translate

SENTENCES = (
    # ---- mail
    lazy("The recipient wants no mail from us"),
    lazy("Called off"),
    lazy("Unsubscribed by the link in a mail"),
    lazy("A file of this mail is gone"),
    lazy("An earlier worker vanished while it handed the mail over"),
    lazy("The database went away before anything was handed over"),
    lazy("No answer after the body was sent: %(reply)s"),
    lazy("Connection unexpectedly closed"),
    lazy("Interrupted: %(what)s"),
    lazy("The mail server takes only addresses of plain letters (no SMTPUTF8)"),
    lazy("The mail server %(server)s does not take mail from us: %(why)s"),
    lazy("The mail server is away; another mail finds out when it is back"),
    lazy("There is no mail %(number)s"),
    lazy("captured: no SMTP_HOST is set"),
    lazy("the mail is %(state)s already"),
    lazy("the mail was called off"),
    lazy("marked as delivered"),
    lazy("sent again by a new job"),
    # ---- jobs
    lazy("the worker vanished"),
    lazy("the worker was stopped"),
    lazy("somebody asked it to stop"),
    lazy("asked to stop"),
    lazy("called off"),
    lazy("run again"),
    lazy("released"),
    lazy("a restored copy"),
    lazy("it was running when the backup was made"),
    lazy("wake-up lost"),
    lazy("Redis is away"),
    lazy("It took longer than a job may take"),
    lazy("Who asked for this may no longer sign in"),
    lazy("Only administrators may schedule backups"),
    lazy("There is no job of the kind '%(kind)s'"),
    lazy("Wrong arguments for '%(kind)s': %(found)s"),
    # ---- progress
    lazy("Copying the database"),
    lazy("Copying the tables"),
    lazy("Copying the uploaded files"),
)
_HOLE = re.compile(r"%\((\w+)\)s")


def shown(text: str) -> str:
    """`text` in the reader's language where it is one of ours, else as it stands."""
    if current() == "en" or not text:
        return text
    for pattern, sentence in _patterns():
        if found := pattern.fullmatch(text):
            inner = {name: shown(value) for name, value in found.groupdict().items()}
            return translate(current(), sentence, **inner)
    return text


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Each sentence as a pattern that finds what was filled into it."""
    made = []
    for sentence in SENTENCES:
        plain = str.__str__(sentence)
        parts = _HOLE.split(plain)  # text, name, text, name, …
        pattern = "".join(f"(?P<{part}>.+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        made.append((re.compile(pattern, re.DOTALL), plain))
    return made
