"""Who acts: the user (or the system) that a session belongs to, with the rights it has right now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any


class Scope(StrEnum):
    """How far a granted permission reaches, narrowest first."""

    OWN = "own"
    TEAM = "team"
    ALL = "all"

    @property
    def reach(self) -> int:
        return ("own", "team", "all").index(self.value)


@dataclass(frozen=True, slots=True)
class Actor:
    """A user with rights.

    `grants` maps a permission's name to the widest scope any of the user's roles gives it; `team_ids` are the
    user's teams and all teams below them; `everything` is true for administrators and for the system itself.
    `access_version` is the user's at loading time: whoever keeps an actor compares it before answering.  `criteria`
    are what `crm.access` has made of these very rights so far.
    """

    user_id: int | None
    name: str
    grants: Mapping[str, Scope] = field(default_factory=lambda: MappingProxyType({}))
    team_ids: frozenset[int] = frozenset()
    #: the team new records of theirs belong to
    home_team: int | None = None
    everything: bool = False
    access_version: int = 0
    tokens_from: float = 0.0
    locale: str = "en"
    timezone: str = "UTC"
    criteria: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def may(self, permission: str | None) -> bool:
        """None stands for "a token is enough"."""
        return permission is None or self.everything or permission in self.grants

    def scope(self, permission: str | None) -> Scope | None:
        """The reach of one permission, or None without it."""
        if permission is None or self.everything:
            return Scope.ALL
        return self.grants.get(permission)


@lru_cache(maxsize=100)
def system(name: str) -> Actor:
    """The process itself: a worker, the scheduler, the command line."""
    return Actor(user_id=None, name=name, everything=True)
