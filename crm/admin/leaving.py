"""Somebody leaves: the page that hands over what is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def after_save(model: type[Any], key: int, values: Mapping[str, Any]) -> str:
    """Where to go after a user was disabled; empty for everything else."""
    return ""
