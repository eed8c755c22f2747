"""Spellings: Python's snake_case and the API's camelCase."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def camel(name: str) -> str:
    """`expected_close_date` → `expectedCloseDate`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def words(name: str) -> str:
    """`expected_close_date` → `Expected close date`; a trailing `_id` is dropped."""
    return name.removesuffix("_id").replace("_", " ").capitalize()


def plural(name: str) -> str:
    """English plural of a snake_case noun: category → categories, stage → stages, series → series."""
    if name.endswith("series"):
        return name
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "ch")) else f"{name}s"
