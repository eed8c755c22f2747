"""Takes secrets out of the sentence that tells an error: it is stored, shown in the panel and written to the log."""

from __future__ import annotations

import re

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from crm.settings import Settings

LIMIT = 2_000
MASK = "***"
#: as they stand in addresses, headers and settings of other programs
_LOOKS_SECRET = (
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=\bbearer )[\w.~+/=-]+"),
    re.compile(r"(?i)(?<![a-z])(?:password|passwd|pwd|secret|token|api[_-]?key)(['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&]+"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+"),
)


def redacted(text: str, settings: Settings) -> str:
    """At most 2,000 characters, without our own secrets and without what looks like one of somebody else's."""
    for secret in _secrets(settings):
        text = text.replace(secret, MASK)
    for pattern in _LOOKS_SECRET:
        text = pattern.sub(MASK, text)
    return text[:LIMIT]


def _secrets(settings: Settings) -> list[str]:
    known = [settings.jwt_secret, settings.jwt_secret_previous, settings.smtp_password]
    known += [_password(url) for url in (settings.database_url, settings.redis_url)]
    return sorted((secret for secret in known if len(secret) > 3), key=len, reverse=True)


def _password(url: str) -> str:
    try:
        return make_url(url).password or "" if url else ""
    except ArgumentError:
        return ""
