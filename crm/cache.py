"""Clients of Redis: every one is made here, because the library's default time-outs do not fit all uses."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECT_TIMEOUT_S = 0.5
#: a wake-up that takes longer is not waited for: it will be sent again
SEND_TIMEOUT_S = 1.0
FETCH_TIMEOUT_S = 5.0


def client(url: str, *, timeout_s: float = FETCH_TIMEOUT_S) -> redis.Redis:
    """A client of `redis://…` or `unix://…?db=0` that fails within `timeout_s` and never tries again by itself."""
    return redis.Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def answers(url: str) -> bool:
    """Is the server there and taking commands?"""
    try:
        with client(url, timeout_s=1.0) as asked:
            return bool(asked.ping())
    except (redis.RedisError, OSError):
        return False
