"""Backups by schedule: what its payload must say, and who may ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from crm.db import actor_of
from crm.errors import Forbidden, invalid
from crm.services.schedules import SCHEDULABLE, Schedulable

#: the kind of job
MAKE = "backup.make"
KEEP = 7
MOST_KEPT = 1000


def check(session: Session, payload: Mapping[str, Any]) -> None:
    """What a schedule of `backup.make` must carry; an archive holds everything, so only administrators may."""
    if not actor_of(session).everything:
        raise Forbidden("Only administrators may schedule backups")
    keep = payload.get("keep", KEEP)
    if set(payload) - {"keep"} or type(keep) is not int or not 1 <= keep <= MOST_KEPT:
        raise invalid("payload", "must be an object with keep: how many backups stay, 1 to %(most)s", most=MOST_KEPT)


SCHEDULABLE[MAKE] = Schedulable(queue="reports", check=check, attempts=3)
