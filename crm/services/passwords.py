"""Passwords: bcrypt over base64(SHA-256), so that any length and any character counts; and what a new one must be.

Hashing takes a quarter of a second of CPU: web doors use the `_async` functions, which run in a small pool of
threads and refuse (429) what would wait too long.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import bcrypt

from crm.errors import TooManyRequests, invalid
from crm.services.password_blocklist import is_common
from crm.settings import Settings

LONGEST = 10_000
LEAST_IN_PRODUCTION, LEAST = 12, 6
WAITING_LIMIT = 64
Result = TypeVar("Result")


def hash_password(password: str, cost: int) -> str:
    """The bcrypt hash to store; `cost` is the base-2 logarithm of the rounds."""
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(cost)).decode()


def matches(password: str, stored: str) -> bool:
    """Whether the password belongs to the stored hash; an empty or malformed hash matches nothing."""
    try:
        return bcrypt.checkpw(_digest(password), stored.encode())
    except (ValueError, UnicodeError):
        return False


def is_outdated(stored: str, cost: int) -> bool:
    """Whether a hash is cheaper than the setting asks for, and should be made anew at the next sign-in."""
    parts = stored.split("$")
    return len(parts) != 4 or not parts[2].isdigit() or int(parts[2]) < cost


@lru_cache(maxsize=4)
def dummy(cost: int) -> str:
    """A hash nobody's password has: an unknown user takes as long as a wrong password."""
    return hash_password(base64.b64encode(os.urandom(24)).decode(), cost)


def check(settings: Settings, password: str, *, about: tuple[str, ...] = (), field: str = "password") -> None:
    """Raise BadInput unless a new password is long enough and, in production, hard to guess.

    `about` are the words an attacker tries first: user name and e-mail address.
    """
    least = LEAST_IN_PRODUCTION if settings.production else LEAST
    if len(password) < least:
        raise invalid(field, "must have at least %(least)s characters", least=least)
    if len(password) > LONGEST:
        raise invalid(field, "must have at most %(most)s characters", most=LONGEST)
    if settings.production and is_common(password, about):
        raise invalid(field, "is too easy to guess")


def _digest(password: str) -> bytes:
    return base64.b64encode(hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest())


# ---------------------------------------------------------------------------------------------- off the event loop

_pool = ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1), thread_name_prefix="bcrypt")
_waiting = 0


async def hash_async(password: str, cost: int) -> str:
    """`hash_password` in the pool; TooManyRequests when too many wait."""
    return await _in_pool(lambda: hash_password(password, cost))


async def matches_async(password: str, stored: str) -> bool:
    """`matches` in the pool; TooManyRequests when too many wait."""
    return await _in_pool(lambda: matches(password, stored))


async def _in_pool(work: Callable[[], Result]) -> Result:
    global _waiting
    if _waiting >= WAITING_LIMIT:
        raise TooManyRequests("Too many people are signing in; try again in a moment", retry_after_s=2)
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, work)
    finally:
        _waiting -= 1
