"""Which errors mean that the database is away, and the sentence for whoever asked meanwhile."""

from __future__ import annotations

from typing import Any

import asyncpg
from sqlalchemy import exc

from crm.errors import CrmError, Unavailable

GONE = "The database does not answer; try again in a moment"
HELD = "Somebody else is changing the same records; try again in a moment"
RETRY_AFTER_S = 2
#: what asyncpg raises on a connection that broke; the last one where it has heard of its end, but not yet ended
LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_AWAY = (*LOST, exc.TimeoutError, exc.OperationalError, exc.InterfaceError)


def unavailable(error: BaseException) -> Unavailable | None:
    """The error a user should read where a server did not answer; None for every other trouble."""
    if isinstance(error, Unavailable):
        return error
    if isinstance(error, CrmError | exc.DataError):
        return None
    if _is_held(error):
        return Unavailable(HELD)
    return Unavailable(GONE) if isinstance(error, _AWAY) or _is_away(error) else None


def _is_held(error: Any) -> bool:
    """It waited too long for what others hold, or was given up for them again and again."""
    state = str(getattr(getattr(error, "orig", None), "sqlstate", "") or "")
    return state == "55P03" or state.startswith("40")


def _is_away(error: Any) -> bool:
    """Connections that broke, statements that timed out, a server that is full or going down."""
    if not isinstance(error, exc.DBAPIError):
        return False
    state = str(getattr(error.orig, "sqlstate", "") or "")
    return error.connection_invalidated or state[:2] in ("08", "53", "57", "55")
