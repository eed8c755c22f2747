"""A naive second opinion on who may do what, and the roles it is asked about.

`Sight` is written from the design alone and uses nothing of `crm.access`: three kinds of rows, three scopes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from crm.entity import entity_of, permission
from crm.models import Contact
from crm.services.permissions import rights
from seeds.initial.roles import ROLES
from tests.contract.population import NEAR, SHARED, Row

#: a scope reaches as many of NEAR
REACH = {"own": 1, "team": 2, "all": 3}


@dataclass(frozen=True)
class Sight:
    """What somebody with these grants (permission → own, team or all) sees and may do."""

    grants: dict[str, str]
    everything: bool = False

    def may(self, name: str | None) -> bool:
        return name is None or name in self.grants

    def reaches(self, model: type[Any], verb: str, whose: str) -> bool:
        """Whether the scope of a verb's permission goes as far as a row of that kind."""
        name = permission(model, verb)
        if verb in entity_of(model).owner_alone and not self.everything:
            return whose == NEAR[0] and self.may(name)
        reach = REACH[self.grants[name]] if name in self.grants else 3 if name is None else 0
        return whose == SHARED or NEAR.index(whose) < reach

    def touches(self, row: Row, verb: str) -> bool:
        """The row itself is reached, or what it hangs on is seen (and may be changed, where it is changed)."""
        if self.reaches(row.model, verb, row.whose):
            return True
        needed = {"view", "view" if verb in ("view", "export") else "update"}
        return bool(row.on) and all(self.reaches(Contact, one, row.on) for one in needed)

    def answer(self, row: Row, name: str | None, verb: str) -> int:
        """403 without the permission; 404 for what is not seen; 403 for what is seen and out of the verb's reach."""
        if not self.may(name) or (_of_another(name, row.model) and not self.may(permission(row.model, "view"))):
            return 403
        if not self.touches(row, "view"):
            return 404
        return 200 if name != permission(row.model, verb) or self.touches(row, verb) else 403


def _of_another(name: str | None, model: type[Any]) -> bool:
    """A verb on one record that asks for the permission of another kind: adding contacts to a group."""
    return name is not None and name in _rights() and _rights()[name].model is not model and not entity_of(model).manage


# ---------------------------------------------------------------------------------------------- roles


@cache
def _rights() -> dict[str, Any]:
    return rights()


def _granting(wanted: Any) -> dict[str, str]:
    """Every permission that exists, with the scope `wanted(right)` gives; None leaves it out."""
    scopes = {name: wanted(right) for name, right in _rights().items()}
    return {name: str(scope) for name, scope in scopes.items() if scope}


@cache
def roles() -> dict[str, dict[str, str]]:
    """Name → grants: none, one scope for everything, sight and verbs apart, and the four that are shipped."""
    made: dict[str, dict[str, str]] = {"none": {}}
    made |= {scope: _granting(lambda _, scope=scope: scope) for scope in REACH}
    made["sees all, acts on own"] = _granting(lambda right: "all" if right.action == "view" else "own")
    made["sees own, acts on all"] = _granting(lambda right: "own" if right.action == "view" else "all")
    made["sees nothing"] = _granting(lambda right: None if right.action == "view" else "all")
    return made | {f"shipped {name}": _granting(grant) for name, (_, grant) in ROLES.items()}


def verbs_of(model: type[Any]) -> list[str]:
    """Every verb that asks for a permission of its own."""
    own = [right.action for right in _rights().values() if right.model is model]
    return [] if entity_of(model).manage else [verb for verb in own if verb != "view"]


def only(model: type[Any], verb: str) -> dict[str, str]:
    """A role that sees everything and may do this alone."""
    seen = {name: "all" for name, right in _rights().items() if right.action == "view"}
    return seen | {str(permission(model, verb)): "all"}
