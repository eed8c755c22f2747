"""The API's reads: one record or a list, by a prepared select that also says whether the caller's rights hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crm.access import require
from crm.api import cursor
from crm.api.identity import Caller, Identity
from crm.api.query import Query, Shape
from crm.api.reach import team_slots
from crm.api.reader import Reader
from crm.api.statements import Plan, plan_for
from crm.entity import permission
from crm.errors import Unavailable

Row = Sequence[Any]
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What a select brought: rows, how to read them, the exact count (of a page), and whose rights it went by."""

    plan: Plan
    rows: Sequence[Row]
    total: int
    caller: Caller

    def records(self) -> list[dict[str, Any]]:
        return [self.plan.record(row) for row in self.rows]


class Reads:
    """The prepared selects of one process."""

    def __init__(self, reader: Reader, identity: Identity) -> None:
        self._reader, self._identity = reader, identity

    async def one(self, caller: Caller, model: type[Any], key: int, shape: Shape) -> dict[str, Any] | None:
        """The record with that number, or None: absent, in the trash and not visible look alike."""
        found = await self._fetch(caller, model, shape, {"id": key})
        return found.plan.record(found.rows[0]) if found.rows else None

    async def many(self, caller: Caller, model: type[Any], query: Query) -> Found:
        """A page of the list; by cursor, one row more than the page tells that there is another."""
        return await self._fetch(caller, model, query.shape, query.values)

    def next_cursor(self, found: Found, query: Query) -> str | None:
        """The cursor behind the page's last row, if more rows follow."""
        if len(found.rows) <= query.page_size:
            return None
        last, width = found.rows[query.page_size - 1], found.plan.sort_keys
        return cursor.encode(query.shape.sort, list(last[-2 - width : -2]))

    async def _fetch(self, caller: Caller, model: type[Any], shape: Shape, values: dict[str, Any]) -> Found:
        """Ask; if the caller's rights have changed, look them up and ask again before anything is answered."""
        needed = permission(model, "view")
        if not caller.actor.may(needed):  # before anybody is refused: it may have been granted just now
            caller = await self._identity.confirm(caller)
        for _ in range(_ATTEMPTS):
            require(caller.actor, needed)
            plan = plan_for(model, shape, caller.actor, self._reader.dialect)
            asked = values | _of_caller(caller)
            rows = await self._reader.fetch(plan.prepared, asked)
            last = rows[0] if rows else await self._nothing(plan, asked)
            fresh = await self._identity.checked(caller, last[-2], bool(last[-1]))
            if fresh is caller:
                return Found(plan, rows, last[-3] if plan.count else 0, caller)
            caller = fresh
        raise Unavailable("Rights are being changed just now; try again")

    async def _nothing(self, plan: Plan, asked: dict[str, Any]) -> Row:
        """No row, so nothing carried the caller's version: ask for it alone, and for the count of a page."""
        if plan.count is None:
            return await self._identity.pulse(asked)
        return (await self._reader.fetch(plan.count, asked))[0]


def _of_caller(caller: Caller) -> dict[str, Any]:
    """The parameters that every statement may need to know about its caller."""
    mine: dict[str, Any] = {"me": caller.claims.user_id, "jti": caller.claims.jti}
    return mine if caller.actor.everything or not caller.actor.team_ids else mine | team_slots(caller.actor)
