"""Waiting for what other threads and processes do: asked again and again until a deadline, never a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
LIMIT_S = 120.0


def until(condition: Callable[[], Found], *, limit_s: float = LIMIT_S) -> Found:
    """The first true answer; fails if there is none in time."""
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"nothing after {limit_s} s: {condition}"
        time.sleep(0.01)
    return found
