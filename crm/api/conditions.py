"""ETags: a record's version as a header, and the requests that depend on it."""

from __future__ import annotations

import re

from crm.api.envelope import Header
from crm.errors import StaleVersion
from crm.services.records import STALE, Expected

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def tag(version: int) -> Header:
    """The ETag header of a record."""
    return (b"etag", b'"v%d"' % version)


def is_known(if_none_match: str, version: int) -> bool:
    """Does the caller hold this very version already?"""
    return if_none_match.strip() == "*" or f"v{version}" in _TAG.findall(if_none_match)


def expected_version(if_match: str | None) -> Expected:
    """The versions a write is meant for; None: any.  StaleVersion for tags that no record of ours can bear.

    Weak tags count as well: a proxy that compresses an answer makes them so, and the version is still the same.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    ours = frozenset(int(found[1:]) for found in _TAG.findall(if_match) if re.fullmatch(r"v[0-9]{1,9}", found))
    if not ours:
        raise StaleVersion(STALE)
    return ours
