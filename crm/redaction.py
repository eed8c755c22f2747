"""Takes secrets out of what is written down of an error, and people out of what is logged."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator
from functools import lru_cache

from sqlalchemy.exc import ArgumentError, DBAPIError

from crm.errors import CrmError
from crm.primary import normalised
from crm.settings import KEPT_KEY, Settings

LIMIT = 2_000
MASK = "***"
#: as they stand in addresses, headers and settings of other programs
_LOOKS_SECRET = (
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
    re.compile(r"(?i)(?<=\bbearer )[\w.~+/=-]+"),
    re.compile(r"(?i)(?<![a-z])(?:password|passwd|pwd|secret|token|api[_-]?key)(['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&]+"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+"),
    re.compile(r"(?<=/unsubscribe/)[\w.-]+"),
)
_LOOKS_PERSONAL = (
    re.compile(r"[^\s<>\"'(),:;=\[\]@]+@[\w-]+(?:\.[\w-]+)+"),
    re.compile(r"(?<![\w.:+-])\+\d[\d ()-]{6,18}\d(?!\w)"),
    re.compile(r"(?<![\w.:-])1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![\w.-])"),
)
#: errors whose words quote the program, never what somebody typed
_OF_CODE = (AttributeError, AssertionError, ImportError, NameError, NotImplementedError, RecursionError, TypeError)
_DEEPEST = 10


def redacted(text: str, settings: Settings) -> str:
    """At most 2,000 characters, without our own secrets and without what looks like one of somebody else's."""
    return masked(text, secrets_of(settings))[:LIMIT]


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without these secrets, and without what looks like one."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    for pattern in _LOOKS_SECRET:
        text = pattern.sub(MASK, text)
    return text


def nameless(text: str) -> str:
    """The text without e-mail addresses and telephone numbers: whoever reads a log need not know them."""
    for pattern in _LOOKS_PERSONAL:
        text = pattern.sub(MASK, text)
    return text


def trace(error: BaseException) -> str:
    """Where an error came from, file by file, oldest cause first; what it says only if that cannot quote anybody."""
    return "\n".join(part.rstrip() for one in _chain(error) for part in _told(one))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error after all that led to it."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain and len(chain) < _DEEPEST:
        chain.append(current)
        hidden = current.__suppress_context__
        current = current.__cause__ or (None if hidden else current.__context__)
    for one in reversed(chain):
        yield one
        if isinstance(one, BaseExceptionGroup):
            yield from one.exceptions


def _told(error: BaseException) -> Iterator[str]:
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):"
        yield from traceback.format_tb(error.__traceback__)
    yield ": ".join(part for part in (type(error).__name__, words(error)) if part)


def words(error: BaseException) -> str:
    """What an error says of the program, without the values it was about."""
    if isinstance(error, DBAPIError):
        return type(error.orig).__name__
    if isinstance(error, CrmError):
        return error.template
    return str(error) if isinstance(error, _OF_CODE) else ""


@lru_cache(maxsize=8)
def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Everything in the settings that nobody may read, longest first."""
    known = [settings.jwt_secret, settings.jwt_secret_previous, settings.smtp_password]
    known += [_password(url) for url in (settings.database_url, settings.redis_url)]
    if (kept := settings.data_dir / KEPT_KEY).is_file():
        known.append(kept.read_text().strip())
    return tuple(sorted((secret for secret in known if len(secret) > 3), key=len, reverse=True))


def _password(url: str) -> str:
    try:
        return normalised(url).password or "" if url else ""
    except (ArgumentError, ValueError):
        return ""
