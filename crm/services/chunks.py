"""Long lists of keys in pieces, each as many as one statement takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

CHUNK = 500
Item = TypeVar("Item")


def chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Slices of at most CHUNK, in order."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
